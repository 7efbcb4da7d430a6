//! The window: widgets around the pictures.

mod canvas;
mod controls;
mod keys;
mod save;
#[cfg(test)]
mod tests;

use canvas::{Canvas, Places, Textures};
use eframe::egui;
use simexm_gpu::internals::apps::view::{Loader, Scene, ViewError, ViewState, display, images};
use simexm_gpu::internals::show::picture::Picture;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Width, in points, below which the picture needs all there is: the list of layers is shown on
/// demand.
const NARROW: f32 = 720.0;

/// What is shown in the window.
pub(crate) struct Viewer {
    scene: Arc<Scene>,
    loader: Loader,
    state: ViewState,
    canvas: Canvas,
    textures: Textures,
    /// Where the pictures lay in the last frame.
    places: Option<Places>,
    /// For what the pictures were made.
    shown: Option<(ViewState, u64)>,
    picture: Option<Picture>,
    /// The voxel under the pointer.
    pointed: Option<[usize; 3]>,
    /// When the last slice came while playing, in seconds.
    played_at: f64,
    folder: PathBuf,
    message: String,
    title: String,
    context: Arc<OnceLock<egui::Context>>,
    /// Whether the user wants the list of layers; `None` where there is room for it.
    lists_layers: Option<bool>,
    /// Whether the window of keys is open.
    helps: bool,
    /// Whether its title is the window's, as it is where nothing is shown beside it.
    names_window: bool,
    /// Whether keys are meant for it.
    has_keys: bool,
}

impl Viewer {
    /// A viewer of a scene that saves pictures to a folder.
    fn new(scene: Scene, folder: &Path) -> Self {
        let scene = Arc::new(scene);
        let state = ViewState::new(&scene);
        let context = Arc::new(OnceLock::<egui::Context>::new());
        let waker = Arc::clone(&context);
        let loader = Loader::new(Arc::clone(&scene), state.wanted(&scene), move || {
            if let Some(context) = waker.get() {
                context.request_repaint();
            }
        });
        Self {
            scene,
            loader,
            state,
            canvas: Canvas::default(),
            textures: Textures::default(),
            places: None,
            shown: None,
            picture: None,
            pointed: None,
            played_at: 0.0,
            folder: folder.to_owned(),
            message: String::new(),
            title: String::new(),
            context,
            lists_layers: None,
            helps: false,
            names_window: true,
            has_keys: true,
        }
    }

    /// Shows it, and does what the user asks for.
    fn ui(&mut self, ui: &mut egui::Ui) {
        let _ = self.context.set(ui.ctx().clone());
        if self.has_keys {
            keys::follow(self, ui);
        }
        self.play(ui);
        let narrow = ui.available_width() < NARROW;
        egui::Panel::bottom("navigation").show(ui, |ui| controls::navigation(self, ui));
        if self.lists_layers.unwrap_or(!narrow) {
            egui::Panel::left("layers")
                .default_size(if narrow { 200.0 } else { 250.0 })
                .show(ui, |ui| controls::layers(self, ui));
        }
        keys::help(self, ui);
        self.loader.want(self.state.wanted(&self.scene));
        self.refresh(ui.ctx());
        let frame = egui::Frame::new().fill(egui::Color32::from_gray(24));
        egui::CentralPanel::default()
            .frame(frame)
            .show(ui, |ui| canvas::show(self, ui));
        self.loader.want(self.state.wanted(&self.scene));
        self.name_window(ui.ctx());
    }

    /// The next slice, when it is time for it and the current one has been seen.
    fn play(&mut self, ui: &egui::Ui) {
        if !self.state.playing || self.state.projection {
            return;
        }
        let now = ui.input(|input| input.time);
        let pause = 1.0 / f64::from(self.state.slices_per_second.max(0.1));
        let seen = self
            .shown
            .as_ref()
            .is_some_and(|(shown, _)| shown.position[0] == self.state.position[0]);
        if now - self.played_at >= pause && seen {
            self.played_at = now;
            self.state.play_on();
        }
        let wait = (self.played_at + pause - now).max(0.005);
        ui.ctx().request_repaint_after_secs(wait as f32);
    }

    /// Makes the pictures anew where something has changed.
    fn refresh(&mut self, context: &egui::Context) {
        let now = (self.state.clone(), self.loader.revision());
        if self.shown.as_ref() == Some(&now) {
            return;
        }
        let (scene, loader) = (&self.scene, &self.loader);
        let Some(picture) = images::slice(scene, &mut self.state, loader) else {
            // The last picture stays until the slice is there.
            return;
        };
        let sections = self.state.sections.then(|| {
            [
                images::section_xz(scene, &mut self.state, loader),
                images::section_yz(scene, &mut self.state, loader),
            ]
        });
        self.textures
            .update(context, &picture, sections.unwrap_or_default());
        self.picture = Some(picture);
        // With the contrast that the first slices have decided.
        self.shown = Some((self.state.clone(), now.1));
    }

    fn save(&mut self) {
        self.message = match save::save(&self.folder, &self.scene, &mut self.state, &self.loader) {
            Ok(path) => format!("saved {}", path.display()),
            Err(why) => why,
        };
    }

    fn name_window(&mut self, context: &egui::Context) {
        let slices = self.scene.shape[0];
        let what = match (&self.shown, self.state.projection) {
            (None, _) => "loading".to_owned(),
            (_, true) => "maximum".to_owned(),
            (Some((shown, _)), false) => {
                format!("slice {} (0 to {})", shown.position[0], slices - 1)
            }
        };
        let title = format!("{} - {what}", self.scene.title);
        if title != self.title && self.names_window {
            context.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }
}

/// Scenes of different sizes, side by side.
struct Viewers(Vec<Viewer>);

impl Viewers {
    fn ui(&mut self, ui: &mut egui::Ui) {
        if let [only] = &mut self.0[..] {
            return only.ui(ui);
        }
        let pointer = ui.ctx().pointer_latest_pos();
        let several = &mut self.0;
        ui.columns(several.len(), |columns| {
            let under = |ui: &egui::Ui| pointer.is_some_and(|at| ui.max_rect().contains(at));
            // Keys go where the pointer is or was last.
            if let Some(under) = columns.iter().position(under) {
                for (number, viewer) in several.iter_mut().enumerate() {
                    viewer.has_keys = number == under;
                }
            }
            for (number, (viewer, ui)) in several.iter_mut().zip(columns).enumerate() {
                let title = egui::RichText::new(&viewer.scene.title);
                let title = match viewer.has_keys {
                    true => title.strong(),
                    false => title.weak(),
                };
                let label = egui::Label::new(title).truncate();
                ui.add(label).on_hover_text("keys act where the pointer is");
                ui.push_id(number, |ui| viewer.ui(ui));
            }
        });
    }
}

impl eframe::App for Viewers {
    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        self.ui(ui);
    }
}

/// Opens a window and shows scenes until it is closed; pictures are saved to `folder`.
///
/// # Errors
/// Where there is no display, or no graphics driver that can draw on it.
pub(crate) fn show(scenes: Vec<Scene>, folder: &Path) -> Result<(), ViewError> {
    display()?;
    let titles: Vec<&str> = scenes.iter().map(|scene| scene.title.as_str()).collect();
    let title = match &titles[..] {
        [only] => format!("{only} - loading"),
        several => several.join(" | "),
    };
    let wide = if scenes.len() > 1 { 1600.0 } else { 1100.0 };
    let viewport = egui::ViewportBuilder::default()
        .with_title(title)
        .with_app_id("simexm-gpu")
        .with_inner_size([wide, 800.0])
        .with_icon(egui::IconData::default());
    let options = eframe::NativeOptions {
        viewport,
        ..Default::default()
    };
    let alone = scenes.len() == 1;
    let viewers = scenes
        .into_iter()
        .enumerate()
        .map(|(number, scene)| Viewer {
            names_window: alone,
            has_keys: number == 0,
            ..Viewer::new(scene, folder)
        });
    let viewers = Viewers(viewers.collect());
    eframe::run_native("simexm-gpu", options, Box::new(|_| Ok(Box::new(viewers))))
        .map_err(|error| ViewError::NoWindow(error.to_string()))
}
