use super::*;
use crate::model::{PsfVolume, point_spread_functions};
use crate::optics::fluorophore::find;
use std::path::Path;

fn band(channel: &str, laser_nm: f64, filter_nm: [f64; 2]) -> ChannelBand {
    ChannelBand {
        channel: channel.to_owned(),
        laser_nm,
        filter_nm,
    }
}

fn bands() -> Vec<ChannelBand> {
    vec![
        band("blue", 425.0, [440.0, 500.0]),
        band("<&>", 640.0, [650.0, 720.0]),
    ]
}

fn psf() -> PsfVolume {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/simexm/brainbow.toml");
    let config = Config::from_file(&path, &[]).unwrap();
    point_spread_functions(&config).unwrap().swap_remove(0)
}

#[test]
fn the_ending_of_a_name_says_the_format() {
    for (name, format) in [
        ("a.png", ImageFormat::Png),
        ("a.SVG", ImageFormat::Svg),
        ("a.svg.png", ImageFormat::Png),
    ] {
        assert_eq!(ImageFormat::of(Path::new(name)).unwrap(), format);
    }
    for name in ["a.pdf", "a", "png", ".png", ""] {
        let error = ImageFormat::of(Path::new(name)).unwrap_err().to_string();
        assert!(error.contains(".svg or .png"), "{error}");
    }
}

#[test]
fn ticks_are_round() {
    assert_eq!(
        ticks([240.0, 730.0], 12.0),
        (5..=14).map(|i| f64::from(i) * 50.0).collect::<Vec<_>>()
    );
    assert_eq!(ticks([0.0, 1.0], 5.0).len(), 6);
    assert_eq!(ticks([-31.0, 31.0], 5.0), [-20.0, 0.0, 20.0]);
}

#[test]
fn an_svg_says_what_it_shows() {
    let dye = find("Alexa350").unwrap();
    let svg = String::from_utf8(spectra(dye, &bands(), ImageFormat::Svg).unwrap()).unwrap();
    for text in [
        "Alexa350",
        "wavelength (nm)",
        "relative to the maximum",
        "excitation, peak 343 nm",
        "emission, peak 441 nm",
        "quantum yield 0.25 (a guess)",
        "blue: laser 425 nm, filter 440-500 nm",
        "&lt;&amp;&gt;: laser 640 nm",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    assert!(
        svg.starts_with("<svg width=\"860\" height=\"570\" viewBox=\"0 0 8600 5700\"")
            && svg.trim_end().ends_with("</svg>")
    );
    let without = String::from_utf8(spectra(dye, &[], ImageFormat::Svg).unwrap()).unwrap();
    assert!(!without.contains("laser"));
}

/// Decodes a PNG to its size and pixels.
fn decode(bytes: &[u8]) -> ((u32, u32), Vec<[u8; 3]>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    let pixels = pixels
        .chunks_exact(3)
        .map(|rgb| [rgb[0], rgb[1], rgb[2]])
        .collect();
    ((info.width, info.height), pixels)
}

#[test]
fn a_png_is_twice_the_size_and_shows_the_same() {
    let dye = find("ATTO425").unwrap();
    let ((width, height), pixels) = decode(&spectra(dye, &bands(), ImageFormat::Png).unwrap());
    assert_eq!(width, 1720);
    let (line, part) = (
        |colour| pixels.iter().filter(|pixel| **pixel == colour).count(),
        pixels.len(),
    );
    // Excitation, emission, the first channel's laser: lines. Most is white.
    for colour in [[0, 114, 178], [213, 94, 0], [0, 158, 115]] {
        assert!(line(colour) > 1000, "{colour:?}: {}", line(colour));
    }
    assert!(line([255; 3]) > part / 3);
    // The laser at 425 nm is where the axis has it, from 240 to 730 nm.
    let x = 2.0 * (66.0 + (425.0 - 240.0) / 490.0 * 770.0);
    let middle = &pixels[(height as usize - 400) * width as usize..][..width as usize];
    assert!((x as usize - 3..x as usize + 3).any(|x| middle[x] == [0, 158, 115]));
}

#[test]
fn bands_of_any_kind_are_drawn() {
    let dye = find("ATTO700").unwrap();
    let wild = [
        band("open", 200.0, [0.0, 1e9]),
        band("beyond", 1000.0, [2000.0, 2001.0]),
        band("below", 500.0, [-5.0, 1.0]),
        band(&"long ".repeat(60), 500.0, [510.0, 511.0]),
    ];
    let many: Vec<ChannelBand> = (0..40)
        .map(|i| band(&format!("{i}"), 400.0, [500.0, 600.0]))
        .collect();
    for bands in [&wild[..], &many] {
        spectra(dye, bands, ImageFormat::Svg).unwrap();
        for width in [0, 80, 500] {
            terminal(
                dye,
                bands,
                TerminalStyle {
                    width,
                    coloured: false,
                },
            );
        }
    }
}

#[test]
fn a_terminal_of_80_columns_holds_the_chart() {
    let style = TerminalStyle {
        width: 80,
        coloured: false,
    };
    for dye in crate::optics::fluorophore::catalogue() {
        let text = terminal(dye, &bands(), style);
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'));
        assert!(text.contains("1.0 ┤") && text.contains("0.0 ┤"), "{text}");
        // Where the spectra lie depends on the dye.
        let ticks = (3..9).map(|hundreds| format!(" {hundreds}00 "));
        assert!(
            ticks.filter(|tick| text.contains(tick)).count() >= 2,
            "{text}"
        );
        assert!(
            text.contains("blue: laser 425 nm, filter 440-500 nm"),
            "{text}"
        );
        assert_eq!(text.matches('▲').count(), 2);
        // Colours add escape codes and nothing else.
        let coloured = terminal(
            dye,
            &bands(),
            TerminalStyle {
                coloured: true,
                ..style
            },
        );
        let plain: String = ["\u{1b}[94m", "\u{1b}[33m", "\u{1b}[0m"]
            .iter()
            .fold(coloured.clone(), |text, code| text.replace(code, ""));
        assert_eq!(plain, text);
        assert_ne!(coloured, text);
    }
}

#[test]
fn sections_show_every_voxel() {
    let psf = psf();
    let svg = String::from_utf8(sections(&psf, ImageFormat::Svg).unwrap()).unwrap();
    for text in [
        "Point spread function of ATTO425 in channel_1",
        "confocal, laser 425 nm, emission peak 484 nm",
        "xy section, linear",
        "xz section, logarithmic",
        "z (nm in the gel)",
        "y (nm in the tissue)",
        "full width at half maximum: x 50, y 50, z 124 nm in the tissue; x 223, y 223, z 559 nm in the gel",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    // Voxels of four sections, the colours of two bars, and the ground.
    assert_eq!(svg.matches("<rect").count(), 4 * 31 * 31 + 2 * 62 + 1);
    let ((width, height), pixels) = decode(&sections(&psf, ImageFormat::Png).unwrap());
    assert_eq!(pixels.len(), width as usize * height as usize);
    // The brightest voxel and the darkest.
    assert!(pixels.contains(&[253, 231, 37]) && pixels.contains(&[68, 1, 84]));
}

#[test]
fn sections_of_voxels_of_any_proportions() {
    for voxel_nm in [[500.0, 1.0, 1.0], [1.0, 30.0, 700.0], [0.1, 0.1, 0.1]] {
        let psf = PsfVolume { voxel_nm, ..psf() };
        sections(&psf, ImageFormat::Svg).unwrap();
    }
}
