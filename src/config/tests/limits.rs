//! Every limit from both sides, and every type.

use std::path::Path;

use super::{problems, read, with_value};
use crate::config::Config;

const LAYER: &str = "labeling.layer1";
const CHANNEL: &str = "optics.channels.channel_1";
const DYE: &str = "fluorophores.mScarlet";

/// Sizes in bytes, and values that are none.
const SIZES: &[&str] = &[
    "1000000",
    "1e9",
    "1_000_000_000_000_000_000",
    "'300M'",
    "'1MB'",
    "'2 gb'",
    "'1.5 GiB'",
    "'1 EB'",
];
const NO_SIZES: &[&str] = &[
    "999999",
    "-1",
    "0",
    "1000000000000000001",
    "'2 EB'",
    "'999 kB'",
    "'G'",
    "'-2 GB'",
    "'2 GX'",
    "''",
    "nan",
    "true",
];
const SIZE: &str = "a size from 1 MB to 1 EB, like 300000000, \"300M\", \"2 GB\" or \"1.5 GiB\"";

/// Values that are a share from 0 to 1, and values that are not.
const SHARES: &[&str] = &["0", "1", "0.0", "1.0", "0.5"];
const NO_SHARES: &[&str] = &[
    "-1e-9", "1.000001", "2", "nan", "inf", "\"0.5\"", "true", "[0.5]",
];

/// Section, key, values inside, values outside, and the words for what would be right.
type Case = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("groundtruth", "image_path", &["'a'", "'/a b/c'"], &["''", "5", "\"a\\u0000\"", "['a']"], "a path"),
    ("groundtruth", "offset", &["[0, 0, 0]", "[5.0, 1, 4294967295]"],
        &["[-1, 0, 0]", "[0, 0]", "[0, 0, 0, 0]", "[0.5, 0, 0]", "[0, 4294967296, 0]", "[0, nan, 0]", "['0', 0, 0]", "0", "[0, 1e300, 0]"],
        "three whole numbers [z, x, y], each from 0 to 4294967295"),
    ("groundtruth", "bounds", &["[1, 1, 1]", "[5.0, 1, 4294967295]"],
        &["[0, 1, 1]", "[1, 0, 1]", "[1, 1, 0]", "[1, 1]", "[1.5, 1, 1]", "[1, 1, inf]", "'1,1,1'"],
        "three whole numbers [z, x, y], each from 1 to 4294967295"),
    ("groundtruth", "format", &["'tiff'", "'image sequence'", "'npy'"], &["'gif'", "'TIFF'", "1", "''"], "\"tiff\", \"zarr\", \"n5\", \"precomputed\", \"image sequence\", \"npy\" or \"hdf5\""),
    ("groundtruth", "gt_cells", &["'merged'", "'splitted'", "'split'"], &["'apart'", "true"], "\"merged\", \"splitted\" or \"split\""),
    ("groundtruth", "isotropic", &["true", "false"], &["'true'", "1", "0.0"], "true or false"),
    ("groundtruth", "voxel_dim", &["[1e-9, 8, 8.5]"], &["[0, 8, 8]", "[8, 8, -1]", "[8, 8]", "[8, nan, 8]", "8", "[8, inf, 8]"],
        "three numbers [z, x, y], each above 0 nm"),
    ("groundtruth", "upsample", &["1", "3", "64", "[1, 2, 64]"], &["0", "65", "1.5", "[1, 2]", "[0, 1, 1]", "'x'"],
        "a whole number from 1 to 64, or three [z, x, y]"),
    ("groundtruth", "ids", &["'number'", "'rgb'", "'bgr'"], &["'RGB'", "24", "''"], "\"number\", \"rgb\" or \"bgr\""),
    ("groundtruth", "background", &["0", "-1", "[0, -1]", "-9223372036854775808", "18446744073709551615", "'18446744073709551615'", "[]"],
        &["0.5", "18446744073709551616", "'none'", "[0, 'x']", "true", "nan"],
        "a whole number from -2^63 to 2^64 - 1, or a list of such"),
    ("groundtruth", "label", &["'ids'", "'components'"], &["'component'", "true"], "\"ids\" or \"components\""),
    ("groundtruth", "series", &["0", "4294967295"], &["-1", "0.5", "4294967296", "'a'"], "a whole number from 0 to 4294967295"),
    ("groundtruth", "channel", &["0", "4294967295"], &["-1", "0.5", "4294967296", "'a'"], "a whole number from 0 to 4294967295"),
    ("groundtruth", "time", &["0", "4294967295"], &["-1", "0.5", "4294967296", "'a'"], "a whole number from 0 to 4294967295"),
    ("groundtruth", "dataset", &["'a'", "'/a b/c/'", "'.'"], &["''", "5", "'a/../b'", "\"a\\u0000\""], "a path in the container, such as \"volumes/labels/neuron_ids\""),
    ("groundtruth", "level", &["0", "4294967295"], &["-1", "0.5", "4294967296", "'a'"], "a whole number from 0 to 4294967295"),
    ("tissue", "attenuation_length", &["1e-9", "150"], &["0", "-1", "nan", "[1]"], "a number above 0 um"),
    ("rounds", "number", &["1", "64"], &["0", "65", "1.5", "'four'"], "a whole number from 1 to 64"),
    ("rounds", "shift", &["0", "1.5", "[0, 1, 2]"], &["-1", "[1, 2]", "[0, 0, -1]", "nan"], "a number of at least 0 um, or three of them [z, x, y]"),
    ("rounds", "rotation", &["0", "45"], &["-1", "46", "nan"], "a number from 0 to 45 degrees"),
    ("sweep", "vary", &["['expansion.factor=4,10']", "[]", "['optics.exposure_time=1 us, 2 us']"],
        &["'4'", "['factor=4']", "['expansion.factor=4,4']", "['output.name=\"a\",\"b\"']", "['sweep.seeds=1,2']", "[4]"],
        "a list of \"SECTION.KEY=VALUE,VALUE,...\", each value once, of other sections than groundtruth, output, compute and sweep"),
    ("sweep", "seeds", &["1", "1000"], &["0", "1001", "1.5", "'two'"], "a whole number from 1 to 1000"),
    ("sweep", "crop", &["'whole'", "[1, 2, 3]"], &["'all'", "[0, 1, 1]", "[1, 1]", "5"], "\"whole\" or three whole numbers [z, x, y], each from 1 to 4294967295"),
    ("sweep", "metrics", &["['snr', 'dose']", "[]"], &["['beauty']", "'snr,beauty'", "5"],
        "a list of \"snr\", \"sbr\", \"frc_nm\", \"width_nm\", \"point_nm\", \"separability\", \"rand_error\", \"voi_split\", \"voi_merge\", \"coverage\", \"crosstalk\" or \"dose\""),
    ("sweep", "require", &["['snr>5', 'width_nm < 90']", "[]"], &["['snr=5']", "['beauty>1']", "['snr>nan']", "5"], "a list of \"METRIC>NUMBER\" or \"METRIC<NUMBER\""),
    ("groundtruth.regions.synapse", "region_path", &["'a'"], &["''", "false"], "a path"),
    ("groundtruth.regions.synapse", "dataset", &["'a'", "'/a b/c/'", "'.'"], &["''", "5", "'a/../b'", "\"a\\u0000\""], "a path in the container, such as \"volumes/labels/neuron_ids\""),
    ("groundtruth.regions.synapse", "level", &["0", "4294967295"], &["-1", "0.5", "4294967296", "'a'"], "a whole number from 0 to 4294967295"),
    ("labeling", "global_density", SHARES, NO_SHARES, "a number from 0 to 1"),
    (LAYER, "fluorophore", &["'ATTO425'", "'Alexa790'"], &["'ATTO551'", "'atto425'", "425", "''"],
        "one of the fluorophores ATTO390, ATTO425, ATTO430LS, ATTO465, ATTO488, ATTO490LS, ATTO550, ATTO565, ATTO647N, ATTO700, Alexa350, Alexa488, Alexa546, Alexa568, Alexa594, Alexa647, Alexa790, CF568, CF633, Cy3, Cy5, DAPI, EBFP2, ECFP, EGFP, EYFP, Flavin, Fluorescein, Hoechst33342, JF549, JF646, SYTOXGreen, mCherry, mCitrine, mRuby3, tdTomato, mScarlet, or a dye of your own, as a table [fluorophores.NAME] with its spectra"),
    (LAYER, "region", &["'full'", "'membrane'", "'cytosol'", "'synapse'"], &["'synapses'", "'Full'", "1", "''"],
        "\"full\", \"membrane\", \"cytosol\" or \"synapse\" (a table [groundtruth.regions.NAME] adds one)"),
    (LAYER, "labeling_density", SHARES, NO_SHARES, "a number from 0 to 1"),
    (LAYER, "protein_density", SHARES, NO_SHARES, "a number from 0 to 1 per nm^3"),
    (LAYER, "protein_noise", SHARES, NO_SHARES, "a number from 0 to 1"),
    (LAYER, "antibody_amp", &["1", "1.0", "1e6"], &["0.999", "0", "-inf", "nan", "'5'"], "a number of at least 1"),
    (LAYER, "single_neuron", &["true", "false", "'random'", "'largest'"], &["'any'", "1", "'true'"],
        "true, false, \"random\" (the same as true) or \"largest\""),
    ("expansion", "factor", &["1", "1.0", "20", "[4, 4.5, 4.5]"], &["0.999999", "-4", "inf", "nan", "'4'", "[4, 0.5, 4]", "[4, 4]", "[]"],
        "a number of at least 1, or three of them [z, x, y]"),
    ("optics", "type", &["'confocal'", "'widefield'", "'two photon'"], &["'twophoton'", "''", "2"], "\"confocal\", \"widefield\" or \"two photon\""),
    ("optics", "numerical_aperture", &["1e-9", "1", "1.3299999"], &["0", "-1", "nan", "'1'"], "a number above 0"),
    ("optics", "numerical_aperture", &["1.32"], &["1.33", "1.34", "2"], "below refractory_index (1.33)"),
    ("optics", "refractory_index", &["1.151", "2"], &["0.99", "0", "nan", "'1.33'"], "a number of at least 1"),
    ("optics", "focal_plane_depth", &["1", "500.5"], &["0.999", "-500", "inf", "'500'"], "a number of at least 1 nm"),
    ("optics", "objective_back_aperture", &["1e-9", "1"], &["0", "-1", "inf"], "a number above 0 m"),
    ("optics", "exposure_time", &["0", "0.1"], &["-1e-9", "nan", "'0.1'"], "a number of at least 0 s"),
    ("optics", "objective_efficiency", SHARES, NO_SHARES, "a number from 0 to 1"),
    ("optics", "detector_efficiency", SHARES, NO_SHARES, "a number from 0 to 1"),
    ("optics", "objective_factor", &["1", "40.5"], &["0.999", "-40", "nan"], "a number of at least 1"),
    ("optics", "pixel_size", &["1", "6500.5"], &["0.999", "-1", "inf"], "a number of at least 1 nm"),
    ("optics", "pinhole_radius", &["0", "0.5", "'1 AU'", "'0.5AU'"], &["-0.001", "nan", "'0 AU'", "'AU'", "'101 AU'"], "a number of at least 0 um"),
    ("optics", "baseline_noise", &["0", "2.5"], &["-0.001", "inf", "'2'"], "a number of at least 0 photons"),
    ("optics", "magnify", &["'area'", "'jitter'"], &["'even'", "true", "''"], "\"area\" or \"jitter\""),
    (CHANNEL, "laser_wavelength", &["200", "1000", "425.5"], &["199.99", "1000.01", "nan", "'425'"], "a number from 200 to 1000 nm"),
    (CHANNEL, "laser_power", &["1e-9", "50"], &["0", "-1", "inf"], "a number above 0 W"),
    (CHANNEL, "laser_percentage", SHARES, NO_SHARES, "a number from 0 to 1"),
    (CHANNEL, "laser_filter", &["[440, 440.001]", "[0, 1e6]"], &["[440, 440]", "[550, 440]", "[440]", "[440, 500, 550]", "[440, inf]", "[nan, 550]", "'440, 550'"],
        "two wavelengths [min, max] in nm, min below max"),
    ("output", "name", &["'a'", "'a b.c'", "'..a'", "'é'"], &["''", "'.'", "'..'", "'a/b'", "'/a'", "'a\\b'", "\"a\\n\"", "\"a\\u0000\"", "\"a\\u202e\"", "\"\\u200ba\"", "5", "'a/'"],
        "a plain folder name (not empty, not . or .., no / or \\, no invisible characters)"),
    ("output", "path", &["'out'", "'/out'", "'.'"], &["''", "1"], "a path"),
    ("output", "format", &["'tiff'", "'image sequence'"], &["'png'", "0"], "\"tiff\", \"gif\", \"image sequence\" or \"ome-zarr\""),
    // "composite" contradicts the format of this configuration.
    ("output", "sim_channels", &["'merged'", "'splitted'", "'split'"], &["'rgb'", "true"], "\"merged\", \"splitted\", \"split\" or \"composite\""),
    ("output", "channel_files", &["'names'", "'numbers'"], &["'name'", "0"], "\"names\" or \"numbers\""),
    ("output", "ids", &["'kept'", "'compact'"], &["'small'", "16"], "\"kept\" or \"compact\""),
    ("output", "gt_cells", &["'merged'", "'splitted'", "'split'"], &["'rgb'", "true"], "\"merged\", \"splitted\" or \"split\""),
    ("output", "gt_region", &["'full'", "'membrane'", "'cytosol'", "'synapse'"], &["'soma'", "0"],
        "\"full\", \"membrane\", \"cytosol\" or \"synapse\" (a table [groundtruth.regions.NAME] adds one)"),
    ("output", "bit_depth", &["8", "16", "8.0"], &["0", "12", "32", "-8", "'16'", "nan", "[8]"], "8 or 16"),
    ("output", "normalize", &["'channel'", "'none'"], &["'photons'", "false"], "\"channel\" or \"none\""),
    ("output", "codec", &["'blosc'", "'zstd'", "'gzip'", "'none'"], &["'lz4'", "true"], "\"blosc\", \"zstd\", \"gzip\" or \"none\""),
    ("output", "shard", &["64", "1024", "65536"], &["0", "63", "100", "65600", "'a'"], "a multiple of 64 from 64 to 65536"),
    ("output", "compression", &["'none'", "'deflate'"], &["'lzw'", "true"], "\"none\" or \"deflate\""),
    (DYE, "quantum_yield", &["1e-9", "1", "0.5"], &["0", "-1", "1.001", "nan", "'0.5'"], "a number above 0 up to 1"),
    (DYE, "extinction_coefficient", &["1e-9", "95000"], &["0", "-1", "inf", "'95000'"], "a number above 0 L/(mol cm)"),
    (DYE, "lifetime", &["1e-3", "4"], &["0", "-1", "inf"], "a number above 0 ns"),
    (DYE, "two_photon_cross_section", &["1e-3", "40"], &["0", "-1", "nan"], "a number above 0 GM"),
    (DYE, "bleach_yield", &["0", "1e-6", "1"], &["-1e-9", "1.1", "nan"], "a number from 0 to 1"),
    (DYE, "spectra", &["'a.csv'"], &["''", "5"], "a path"),
    ("compute", "seed", &["0", "18446744073709551615", "'18446744073709551615'", "9223372036854775807", "5.0", "0xff"],
        &["-1", "18446744073709551616", "'18446744073709551616'", "0.5", "'x'", "''", "nan"],
        "a whole number from 0 to 2^64 - 1, or a string of its digits"),
    ("compute", "backend", &["'auto'", "'gpu'", "'cpu'"], &["'cuda'", "1"], "\"auto\", \"gpu\" or \"cpu\""),
    ("compute", "adapter", &["0", "4294967295", "'NVIDIA'", "'1'"], &["-1", "4294967296", "0.5", "''", "true"], "the name of a GPU or its index, from 0"),
    ("compute", "threads", &["1", "512", "2.0"], &["0", "513", "-1", "1.5", "'2'", "nan"], "a whole number from 1 to 512"),
    ("compute", "gpu_memory", SIZES, NO_SIZES, SIZE),
    ("compute", "memory", SIZES, NO_SIZES, SIZE),
];

#[test]
fn values_inside_are_taken() {
    for (section, key, inside, _, _) in CASES {
        for value in *inside {
            let (text, _) = with_value(section, key, value);
            assert_eq!(problems(&text), [""; 0], "[{section}] {key} = {value}");
        }
    }
}

#[test]
fn values_outside_are_refused_with_line_column_key_and_range() {
    for (section, key, _, outside, right) in CASES {
        for value in *outside {
            let (text, line) = with_value(section, key, value);
            let column = key.len() + 4;
            let found = problems(&text);
            assert_eq!(found.len(), 1, "[{section}] {key} = {value}: {found:?}");
            let start = format!("c.toml:{line}:{column}: [{section}] {key} = ");
            assert!(
                found[0].starts_with(&start),
                "{} does not start with {start}",
                found[0]
            );
            assert!(
                found[0].contains(&format!(" must be {right}")),
                "{} lacks {right}",
                found[0]
            );
        }
    }
}

#[test]
fn every_key_of_the_full_configuration_has_a_case() {
    let mut section = String::new();
    for line in super::FULL.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some((key, _)) = line.split_once(" = ") {
            let is_covered = CASES.iter().any(|case| case.0 == section && case.1 == key);
            assert!(is_covered, "[{section}] {key} has no case");
        }
    }
}

#[test]
fn keys_without_a_default_are_required_and_the_others_are_not() {
    const OPTIONAL: &[(&str, &str)] = &[
        ("groundtruth", "offset"),
        ("groundtruth", "bounds"),
        ("groundtruth", "format"),
        ("groundtruth", "gt_cells"),
        ("groundtruth", "voxel_dim"),
        ("groundtruth", "upsample"),
        ("groundtruth", "ids"),
        ("groundtruth", "background"),
        ("groundtruth", "label"),
        ("groundtruth", "series"),
        ("groundtruth", "channel"),
        ("groundtruth", "time"),
        ("groundtruth", "dataset"),
        ("groundtruth", "level"),
        ("groundtruth.regions.synapse", "dataset"),
        ("groundtruth.regions.synapse", "level"),
        ("labeling", "global_density"),
        (LAYER, "*"),
        ("optics", "magnify"),
        ("output", "format"),
        ("output", "sim_channels"),
        ("output", "channel_files"),
        ("output", "gt_cells"),
        ("output", "gt_region"),
        ("output", "ids"),
        ("output", "bit_depth"),
        ("output", "normalize"),
        ("output", "compression"),
        ("output", "codec"),
        ("output", "shard"),
        (DYE, "lifetime"),
        (DYE, "two_photon_cross_section"),
        (DYE, "bleach_yield"),
        ("compute", "*"),
        ("tissue", "*"),
        ("sweep", "*"),
        ("rounds", "shift"),
        ("rounds", "rotation"),
    ];
    for (section, key, ..) in CASES {
        let (text, _) = super::with_line(section, key, "");
        let header = text
            .lines()
            .position(|line| line == format!("[{section}]"))
            .unwrap()
            + 1;
        let is_optional = OPTIONAL
            .iter()
            .any(|(s, k)| s == section && (k == key || *k == "*"));
        let found = problems(&text);
        if is_optional {
            assert_eq!(found, [""; 0], "[{section}] {key}");
        } else {
            assert_eq!(found.len(), 1, "[{section}] {key}: {found:?}");
            let start = format!("c.toml:{header}:");
            assert!(found[0].starts_with(&start), "{}", found[0]);
            let missing = format!(": [{section}] {key} is missing: it must be ");
            assert!(found[0].contains(&missing), "{}", found[0]);
        }
    }
}

#[test]
fn a_refractive_index_below_the_aperture_is_refused_from_the_other_side() {
    let (text, line) = with_value("optics", "refractory_index", "1.15");
    let aperture = line - 1;
    assert_eq!(
        problems(&text),
        [format!(
            "c.toml:{aperture}:22: [optics] numerical_aperture = 1.15 must be below refractory_index (1.15)"
        )]
    );
    let (text, _) = with_value("optics", "refractory_index", "1.1500001");
    assert!(read(&text).is_ok());
}

/// Writes [`super::FULL`] as an .ini file: brackets by depth, lists without brackets.
fn as_ini(toml: &str) -> String {
    let line = |line: &str| -> String {
        if let Some(name) = line.strip_prefix('[').filter(|_| !line.contains('=')) {
            let parts: Vec<_> = name.trim_end_matches(']').split('.').collect();
            // Sections that only hold others have to be there.
            let above = match parts[..] {
                ["groundtruth", "regions", _] => "[[regions]]\n",
                ["optics", "channels", _] => "[[channels]]\n",
                ["fluorophores", _] => "[fluorophores]\n",
                _ => "",
            };
            let depth = parts.len();
            let name = parts[depth - 1];
            format!("{above}{}{name}{}", "[".repeat(depth), "]".repeat(depth))
        } else {
            match line.split_once(" = ") {
                Some((key, value)) => format!("{key} = {}", ini_value(value)),
                None => line.to_owned(),
            }
        }
    };
    toml.lines().map(|l| line(l) + "\n").collect()
}

/// Writes a list without brackets; one of a single item ends in a comma.
fn ini_value(toml: &str) -> String {
    match toml.strip_prefix('[') {
        Some(list) if list.contains(',') => list.trim_end_matches(']').to_owned(),
        Some(list) => format!("{},", list.trim_end_matches(']')),
        None => toml.to_owned(),
    }
}

fn ini_problems(text: &str) -> Vec<String> {
    match Config::from_ini_str(text, "c.ini", Path::new("/base"), &[]) {
        Ok(_) => Vec::new(),
        Err(error) => error.to_string().lines().map(str::to_owned).collect(),
    }
}

#[test]
fn an_ini_file_with_every_key_is_the_same() {
    let ini = Config::from_ini_str(&as_ini(super::FULL), "c.ini", Path::new("/base"), &[]);
    assert_eq!(ini.unwrap(), read(super::FULL).unwrap());
}

#[test]
fn the_limits_hold_in_ini_files_and_are_told_with_line_key_and_range() {
    // Numbers and truth values are such in quotes too; TOML's escapes and other bases are none.
    const OTHERWISE: &[&str] = &[
        "'0.5'",
        "\"0.5\"",
        "'1.33'",
        "'500'",
        "'0.1'",
        "'2'",
        "'5'",
        "'4'",
        "'1'",
        "'16'",
        "'425'",
        "'95000'",
        "'true'",
        "1",
        "5",
        "['0', 0, 0]",
        "'1,1,1'",
        "'440, 550'",
        "0xff",
        "\"a\\u0000\"",
        "\"a\\n\"",
        "false",
    ];
    for (section, key, inside, outside, right) in CASES {
        let told = |value: &str| {
            let (text, _) = with_value(section, key, value);
            let text = as_ini(&text);
            let line = format!("{key} = {}", ini_value(value));
            let header = section.rsplit('.').next().unwrap();
            let start = text
                .lines()
                .position(|l| l.trim_matches(['[', ']']) == header)
                .unwrap();
            let offset = text.lines().skip(start).position(|l| l == line).unwrap();
            (ini_problems(&text), start + offset + 1)
        };
        for value in inside.iter().filter(|value| !OTHERWISE.contains(value)) {
            assert_eq!(told(value).0, [""; 0], "[{section}] {key} = {value}");
        }
        if *key == "adapter" {
            continue; // any text is a name
        }
        for value in outside.iter().filter(|value| !OTHERWISE.contains(value)) {
            let (found, line) = told(value);
            assert_eq!(found.len(), 1, "[{section}] {key} = {value}: {found:?}");
            let start = format!("c.ini:{line}: [{section}] {key} = ");
            assert!(found[0].starts_with(&start), "{}", found[0]);
            assert!(
                found[0].contains(&format!(" must be {right}")),
                "{}",
                found[0]
            );
        }
    }
}
