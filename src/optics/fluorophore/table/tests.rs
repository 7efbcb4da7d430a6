use super::*;
use proptest::prelude::*;

/// Table as FPbase's pages of proteins write it: blank cells where nothing was measured, and a
/// two-photon column among the others.
const FPBASE: &str = "wavelength,EGFP ex,EGFP em,EGFP 2p\n\
                      470,0.5,,\n471,1.0,,\n472,0.8,0.02,\n473,,0.6,0.1\n474,,1.2,0.2\n475,,0.3,\n";

fn parse(text: &str) -> Spectra {
    Spectra::parse(text.as_bytes(), "EGFP").unwrap()
}

/// Asserts the line and the message of an error; the message must hold all of these words.
fn refuse(bytes: impl AsRef<[u8]>, line: Option<usize>, words: &[&str]) {
    let problem = Spectra::parse(bytes.as_ref(), "EGFP").unwrap_err();
    assert_eq!(problem.line, line, "{problem:?}");
    for word in words {
        assert!(problem.message.contains(word), "{word} in {problem:?}");
    }
}

#[test]
fn fpbase_tables_as_they_are() {
    let spectra = parse(FPBASE);
    assert_eq!(spectra.excitation.wavelengths_nm(), [470.0, 471.0, 472.0]);
    assert_eq!(spectra.excitation.values(), [0.5, 1.0, 0.8]);
    assert_eq!(spectra.emission.range_nm(), [472.0, 475.0]);
    assert_eq!(spectra.emission.peak_nm(), 474.0);
    assert_eq!(spectra.emission.at(474.0), 1.0);
    assert_eq!(spectra.emission.at(471.9), 0.0);
    // The spectra viewer names its columns otherwise, quotes them, and adds filters and lasers.
    let viewer = FPBASE.replace(
        "wavelength,EGFP ex,EGFP em,EGFP 2p",
        "\"Category\",\"EGFP EX\",\"EGFP EM\",\"Chroma ET525/50m\"",
    );
    assert_eq!(parse(&viewer), spectra);
}

#[test]
fn plain_tables_in_all_their_spellings() {
    let rows = "\n400,0.5,0\n401,1,0.5\n402,0,1\n";
    let expected = parse(&format!("wavelength,excitation,emission{rows}"));
    for header in [
        "Wavelength (nm),Excitation,Emission",
        "wavelength_nm,ex,em",
        "nm,EX (a.u.),EM [a.u.]",
        " lambda , Absorption , Emission ",
        "λ,abs,em",
        "wl,Some dye ab,Some dye em",
    ] {
        assert_eq!(parse(&format!("{header}{rows}")), expected, "{header}");
    }
    let text = format!("wavelength,excitation,emission{rows}");
    for text in [
        format!("\u{feff}{text}"),
        text.replace('\n', "\r\n"),
        text.replace('\n', "\r"),
        text.trim_end().to_owned(),
        text.replace(',', "\t"),
        text.replace(',', ";").replace('.', ","),
        text.replace('\n', "\n\n")
            .replace("400", "# measured in water\n400"),
        text.replace('\n', ",,\n"),
        // Lines in another order, columns in another order.
        "wavelength,excitation,emission\n402,0,1\n400,0.5,0\n401,1,0.5\n".to_owned(),
        "emission,wavelength,notes,excitation\n0,400,a,0.5\n.5,401,,1\n1e0,402\n,,b\n1,402,,0\n"
            .replace("1e0,402\n", ""),
    ] {
        assert_eq!(parse(&text), expected, "{text:?}");
    }
}

#[test]
fn absorption_stands_in_for_excitation_only() {
    let spectra = parse("wavelength,abs,ex,em\n400,9,1,2\n401,0,2,1\n");
    assert_eq!(spectra.excitation.values(), [0.5, 1.0]);
}

#[test]
fn gaps_are_straight_and_noise_below_zero_is_zero() {
    let spectra = parse("wavelength,ex,em\n400,1,-0.04\n410,,1\n420,0.5,-0.05\n430,,\n");
    assert_eq!(spectra.excitation.at(410.0), 0.75);
    assert_eq!(spectra.excitation.at(425.0), 0.0);
    assert_eq!(spectra.emission.values(), [0.0, 1.0, 0.0]);
}

#[test]
fn normalised_like_the_built_in_dyes() {
    let spectra = parse("wavelength,ex,em\n280,8,4\n290,1,1\n400,4,2\n500,1,1\n");
    assert_eq!(spectra.excitation.values(), [2.0, 0.25, 1.0, 0.25]);
    assert_eq!(spectra.emission.values(), [1.0, 0.25, 0.5, 0.25]);
}

#[test]
fn of_several_dyes_the_one_of_that_name() {
    let table = "wavelength,ATTO 488 ex,ATTO 488 em,mEos3.2 (Red) ex,mEos3.2 (Red) em\n\
                 500,1,0,0,1\n501,0,1,1,0\n502,0,1,1,2\n";
    let named = |name: &str| Spectra::parse(table.as_bytes(), name);
    for name in ["ATTO 488", "ATTO488", "atto-488"] {
        assert_eq!(named(name).unwrap().excitation.peak_nm(), 500.0, "{name}");
    }
    assert_eq!(named("mEos3.2-Red").unwrap().emission.peak_nm(), 502.0);
    refuse(
        table,
        Some(1),
        &[
            "ATTO 488",
            "mEos3.2 (Red)",
            "EGFP",
            "\"ATTO 488 em\"",
            "remove the others",
        ],
    );
}

#[test]
fn columns_that_are_missing_or_double() {
    let rows = "\n400,1,1,1\n401,1,1,1\n";
    for (header, words) in [
        (
            "wavelength,excitation,em?",
            &["no column holds the emission", "\"em?\""][..],
        ),
        (
            "wavelength,EGFP 2p,EGFP em",
            &["no column holds the excitation of EGFP"],
        ),
        (
            "wave,ex,em",
            &[
                "no column is named wavelength",
                "[\"wave\", \"ex\", \"em\"]",
            ],
        ),
        (
            "wavelength,signal",
            &["no column holds an excitation or emission"],
        ),
        (
            "wavelength,ex,excitation,em",
            &["\"ex\" and \"excitation\" could both"],
        ),
        ("wavelength,nm,ex,em", &["several columns hold wavelengths"]),
        (
            "400,0.5,0.1",
            &["starts with numbers", "wavelength, excitation, emission"],
        ),
    ] {
        refuse(format!("{header}{rows}"), Some(1), words);
    }
    refuse("", None, &["is empty"]);
    refuse("\n# nothing\n\n", None, &["is empty"]);
    refuse("\n\nno,table\n1,2\n", Some(3), &["no column"]);
}

#[test]
fn cells_that_are_wrong() {
    let table = "wavelength,ex,em\r\n400,0.5,0.1\r\n\r\n401,1,0.5\r\n402,0.2,1\r\n";
    for (from, to, line, words) in [
        (
            "0.5,0.1",
            "x,0.1",
            2,
            &["column \"ex\"", "\"x\" must be a number, or blank"][..],
        ),
        ("0.2,1", "NaN,1", 5, &["\"NaN\" must be a number"]),
        ("0.2,1", "inf,1", 5, &["\"inf\" must be a number"]),
        (
            "0.2,1",
            "-0.2,1",
            5,
            &["column \"ex\"", "-0.2 must be 0 or more", "-5 per cent"],
        ),
        (
            "401",
            "",
            4,
            &[
                "column \"wavelength\"",
                "\"\" must be a wavelength in nm, 100 to 3000",
            ],
        ),
        ("401", "0.401", 4, &["\"0.401\" must be a wavelength in nm"]),
        (
            "402",
            "401",
            5,
            &["column \"ex\"", "401 nm was given before, in line 4"],
        ),
        (
            "401,1,0.5",
            "401,1,0,5",
            4,
            &["has 4 cells", "3 columns", "semicolons"],
        ),
    ] {
        assert_eq!(table.matches(from).count(), 1);
        refuse(table.replace(from, to), Some(line), words);
    }
    refuse(
        "wavelength;ex;em\n400;1.000,5;1\n401;1;1\n",
        Some(2),
        &["\"1.000,5\" must be"],
    );
    refuse(
        "wavelength,ex,em\n400,1,1\n",
        None,
        &["column \"ex\"", "has 1 value"],
    );
    refuse(
        "wavelength,ex,em\n400,1,0\n401,1,0\n",
        None,
        &["column \"em\"", "no value above 0"],
    );
    refuse(
        "wavelength,ex,em\n250,1,1\n400,1e-309,1\n",
        None,
        &["column \"ex\"", "300 nm and above"],
    );
}

#[test]
fn files_that_are_no_text() {
    refuse(b"PK\x03\x04\x14\x00", None, &["Excel workbook", "as CSV"]);
    refuse(b"\xd0\xcf\x11\xe0\xa1", None, &["old Excel workbook"]);
    refuse(b"\xff\xfew\x00", None, &["UTF-16"]);
    refuse(b"wave\x00", None, &["not text"]);
    // A name in an old encoding is no obstacle.
    let latin = b"wavelength,ex,em,Gr\xfc\xdfe\n400,1,0\n401,0,1\n";
    assert_eq!(
        Spectra::parse(latin, "EGFP").unwrap().emission.peak_nm(),
        401.0
    );
}

fn check(bytes: &[u8]) {
    if let Ok(spectra) = Spectra::parse(bytes, "EGFP") {
        for spectrum in [&spectra.excitation, &spectra.emission] {
            assert!(spectrum.values().len() >= 2);
            assert!(
                spectrum
                    .values()
                    .iter()
                    .all(|value| value.is_finite() && *value >= 0.0)
            );
            let whole = spectrum.fraction_within([0.0, 1e4]);
            assert!((whole - 1.0).abs() < 1e-9, "{whole}");
        }
    }
}

/// Pieces that turn a table into a damaged one.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        ",",
        ";",
        "\t",
        "\n",
        "\r",
        "\"",
        "#",
        "-",
        "1e308",
        "1e-308",
        "nan",
        "inf",
        "0,5",
        "ex",
        "em",
        "wavelength",
        "EGFP ex",
        "(",
        ")",
        "\u{feff}",
        "λ",
        "9999999999999999999",
        " ",
        "",
    ];
    let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    prop_oneof![
        prop::sample::select(words),
        prop::collection::vec(any::<u8>(), 0..4)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn damaged_tables_never_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..6, piece()), 1..6),
        semicolons in any::<bool>(),
    ) {
        let mut bytes = FPBASE.as_bytes().to_vec();
        if semicolons {
            bytes.iter_mut().filter(|byte| **byte == b',').for_each(|byte| *byte = b';');
        }
        for (place, removed, piece) in edits {
            let start = place.index(bytes.len() + 1);
            let end = (start + removed).min(bytes.len());
            bytes.splice(start..end, piece);
        }
        check(&bytes);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes);
    }
}
