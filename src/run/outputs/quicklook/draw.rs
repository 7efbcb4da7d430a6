//! Drawing of the picture: a column for each channel, for their colours together and for each
//! ground truth.

use super::{About, Quicklook, Views};
use crate::show::picture::{Contrast, Paint, Picture, Samples, ScaleBar, compose};
use rayon::prelude::*;

/// Widest picture, in pixels.
const WIDEST: usize = 2000;

/// Highest panel, in pixels.
const HIGHEST: usize = 2000;

/// Width to which small images are enlarged, in whole steps.
const SMALL: usize = 320;

/// Number of panels that stand beside one another even if they have to be reduced for it.
const FEWEST_COLUMNS: usize = 5;

/// Narrowest column in pixels, for the sake of its words.
const NARROWEST: usize = 255;

const GAP: usize = 12;
const TEXT: f64 = 17.0;
const LINE: usize = 24;
const GROUND: [u8; 3] = [24, 24, 24];
const INK: [u8; 3] = [225, 225, 225];

/// Part of the picture, with its title.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Title above the panel.
    pub title: String,
    /// Colour in which the channel is mixed with the others; `None` for all channels together and
    /// for ground truth.
    pub colour: Option<[u8; 3]>,
    /// True where it shows all channels in their colours.
    pub is_mixed: bool,
    /// Middle slice, then maximum along z: each with its caption and its pixels.
    pub rows: [(String, Picture); 2],
}

impl Quicklook {
    /// Draws the panels, none of them wider than `widest`; `ids` are those of the cells by their
    /// index.
    #[must_use]
    pub fn panels(&self, ids: &[u64], widest: usize) -> Vec<Panel> {
        let about = &self.about;
        let contrasts: Vec<Views<Contrast>> = self
            .channels
            .iter()
            .map(|views| Views {
                middle: Contrast::automatic(&views.middle),
                highest: Contrast::automatic(&views.highest),
            })
            .collect();
        let range = |contrast: &Contrast| {
            format!("grey {:.0} to {:.0}", contrast.minimum, contrast.maximum)
        };
        let what = [
            format!("slice {} (0 to {})", self.middle(), about.shape[0] - 1),
            "maximum along z".to_owned(),
        ];
        let light = |colour, contrast: &Contrast| Paint::Light {
            colour,
            contrast: *contrast,
        };
        let mut drawings: Vec<Drawing<'_>> = Vec::new();
        let mixed = about.channels.len() > 1;
        for (index, (name, colour)) in about.channels.iter().enumerate() {
            let (views, contrast) = (&self.channels[index], &contrasts[index]);
            let white = [255; 3];
            drawings.push(Drawing {
                title: name.clone(),
                colour: mixed.then_some(*colour),
                is_mixed: false,
                rows: [
                    (
                        format!("{}, {}", what[0], range(&contrast.middle)),
                        vec![(Shown::Grey(&views.middle), light(white, &contrast.middle))],
                    ),
                    (
                        format!("{}, {}", what[1], range(&contrast.highest)),
                        vec![(Shown::Grey(&views.highest), light(white, &contrast.highest))],
                    ),
                ],
            });
        }
        if mixed {
            let all = |view: fn(&Views<Samples>) -> &Samples,
                       of: fn(&Views<Contrast>) -> &Contrast| {
                let channels = self.channels.iter().zip(&contrasts).zip(&about.channels);
                channels
                    .map(|((views, contrast), (_, colour))| {
                        (Shown::Grey(view(views)), light(*colour, of(contrast)))
                    })
                    .collect()
            };
            drawings.push(Drawing {
                title: "all channels".to_owned(),
                colour: None,
                is_mixed: true,
                rows: [
                    (
                        what[0].clone(),
                        all(|views| &views.middle, |contrast| &contrast.middle),
                    ),
                    (
                        what[1].clone(),
                        all(|views| &views.highest, |contrast| &contrast.highest),
                    ),
                ],
            });
        }
        for (name, views) in about.fluorophores.iter().zip(&self.truths) {
            let paint = Paint::Ids { opacity: 1.0 };
            drawings.push(Drawing {
                title: format!("ground truth {name}"),
                colour: None,
                is_mixed: false,
                rows: [
                    (what[0].clone(), vec![(Shown::Cells(&views.middle), paint)]),
                    (what[1].clone(), vec![(Shown::Cells(&views.highest), paint)]),
                ],
            });
        }
        let drawn = drawings.into_par_iter();
        drawn
            .map(|drawing| self.panel(drawing, ids, widest))
            .collect()
    }

    /// Encodes the whole picture as the bytes of a PNG file.
    #[must_use]
    pub fn png(&self, ids: &[u64]) -> Vec<u8> {
        // It has pixels, and fewer than PNG can hold: nothing can fail.
        self.draw(ids).to_png().unwrap_or_default()
    }

    fn panel(&self, drawing: Drawing<'_>, ids: &[u64], widest: usize) -> Panel {
        let [_, rows, columns] = self.about.shape;
        let size = self.about.panel_size(widest);
        let rows = drawing.rows.map(|(what, layers)| {
            let labels = layers
                .iter()
                .any(|(shown, _)| matches!(shown, Shown::Cells(_)));
            let samples: Vec<(std::borrow::Cow<'_, Samples>, Paint)> = layers
                .into_iter()
                .map(|(shown, paint)| (shown.samples(ids), paint))
                .collect();
            let layers: Vec<(&Samples, Paint)> = samples
                .iter()
                .map(|(samples, paint)| (samples.as_ref(), *paint))
                .collect();
            let whole = Picture::from_rgb(rows, columns, compose(&layers, rows * columns));
            let whole = whole.unwrap_or_else(|| Picture::new(1, 1, [0; 3]));
            // Mixed colours of cells mean nothing.
            let picture = if size[0] > rows || size[1] > columns || labels {
                whole.nearest(size[0], size[1])
            } else {
                whole.reduced(size[0], size[1])
            };
            (what, picture)
        });
        Panel {
            title: drawing.title,
            colour: drawing.colour,
            is_mixed: drawing.is_mixed,
            rows,
        }
    }

    /// Returns the scale bar of a panel that is `wide` pixels wide.
    pub(crate) fn scale_bar(&self, wide: usize) -> Option<ScaleBar> {
        ScaleBar::new(
            &self.about.pixel,
            wide as f64 / self.about.shape[2].max(1) as f64,
            wide as f64 / 2.5,
        )
    }

    /// Draws the whole picture, at most 2000 pixels wide; `ids` are those of the cells by their
    /// index.
    #[must_use]
    pub fn draw(&self, ids: &[u64]) -> Picture {
        let PanelLayout {
            columns,
            column,
            widest,
            panel: [rows, wide],
            block,
            size: [height, width],
        } = self.about.layout();
        let panels = self.panels(ids, widest);
        let mut picture = Picture::new(height, width, GROUND);
        let room = picture.columns().saturating_sub(2 * GAP);
        write_fitting(&mut picture, &self.about.title, [GAP / 2, GAP], room, INK);
        let bar = self.scale_bar(wide);
        for (index, panel) in panels.iter().enumerate() {
            let left = GAP + (index % columns) * (column + GAP);
            let mut top = LINE + GAP + (index / columns) * block;
            let ink = panel.colour.unwrap_or(INK);
            write_fitting(&mut picture, &panel.title, [top, left], column, ink);
            top += LINE;
            for (what, image) in &panel.rows {
                write_fitting(&mut picture, what, [top, left], column, INK);
                let mut image = image.clone();
                if let Some(bar) = &bar {
                    image.draw_scale_bar(bar);
                }
                picture.place(&image, top + LINE, left);
                top += LINE + rows + GAP;
            }
        }
        picture
    }
}

/// Layout of the picture, in pixels.
struct PanelLayout {
    /// Number of panels beside one another.
    columns: usize,
    /// Width of a column.
    column: usize,
    /// Most that a panel is wide.
    widest: usize,
    /// Rows and columns of a panel.
    panel: [usize; 2],
    /// Height of a panel's two rows with their words.
    block: usize,
    /// Rows and columns of the whole picture.
    size: [usize; 2],
}

impl About {
    /// Returns the rows and columns of a panel: true to scale, as large as the image where there is
    /// room.
    fn panel_size(&self, widest: usize) -> [usize; 2] {
        let [_, rows, columns] = self.shape;
        let [_, x_nm, y_nm] = self.pixel.gel_nm;
        let (height, width) = (rows as f64 * (x_nm / y_nm), columns as f64);
        let enlarged = (SMALL as f64 / width).floor().max(1.0);
        let scale = enlarged
            .min(widest as f64 / width)
            .min(HIGHEST as f64 / height);
        [height, width].map(|side| ((side * scale).floor() as usize).max(1))
    }

    fn layout(&self) -> PanelLayout {
        let count =
            self.channels.len() + usize::from(self.channels.len() > 1) + self.fluorophores.len();
        // Images in their own size if that lets all of them stand in a row.
        let natural = self.shape[2].max(NARROWEST) + GAP;
        let columns = ((WIDEST - GAP) / natural).clamp(FEWEST_COLUMNS, count.max(FEWEST_COLUMNS));
        let columns = columns.min(count).max(1);
        let widest = (WIDEST - GAP * (columns + 1)) / columns;
        let [rows, wide] = self.panel_size(widest);
        // Narrow panels leave room for their words.
        let column = wide.max(NARROWEST.min(widest));
        let block = LINE + 2 * (LINE + rows + GAP) + GAP;
        let blocks = count.div_ceil(columns).max(1);
        let height = LINE + GAP + blocks * block + GAP;
        PanelLayout {
            columns,
            column,
            widest,
            panel: [rows, wide],
            block,
            size: [height, GAP + columns * (column + GAP)],
        }
    }

    /// Returns an upper bound of the PNG file's bytes, for pixels that cannot be packed.
    pub(crate) fn bytes_at_most(&self) -> u64 {
        let [rows, columns] = self.layout().size.map(|size| size as u64);
        let stored = rows * (1 + 3 * columns);
        stored + stored / 1000 + (4 << 10)
    }
}

/// Writes a line at (row, column), smaller where there is little room.
fn write_fitting(
    picture: &mut Picture,
    text: &str,
    [row, column]: [usize; 2],
    room: usize,
    ink: [u8; 3],
) {
    let wide = Picture::text_width(text, TEXT).max(1.0);
    let size = (TEXT * room as f64 / wide).clamp(8.0, TEXT);
    picture.write(text, row as f64, column as f64, size, ink);
}

/// Panel before it is drawn.
struct Drawing<'a> {
    title: String,
    colour: Option<[u8; 3]>,
    is_mixed: bool,
    rows: [(String, Vec<(Shown<'a>, Paint)>); 2],
}

enum Shown<'a> {
    Grey(&'a Samples),
    /// Indices of cells.
    Cells(&'a [u32]),
}

impl<'a> Shown<'a> {
    fn samples(self, ids: &[u64]) -> std::borrow::Cow<'a, Samples> {
        match self {
            Shown::Grey(samples) => std::borrow::Cow::Borrowed(samples),
            Shown::Cells(cells) => {
                let id = |&cell: &u32| ids.get(cell as usize).copied().unwrap_or(0);
                std::borrow::Cow::Owned(Samples::U64(cells.iter().map(id).collect()))
            }
        }
    }
}
