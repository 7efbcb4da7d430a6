//! Keys of uneven expansion and of labels as they are in a gel.

use super::{FULL, full_physical, problems, read};
use crate::config::{Distortion, Factor, Labelled, Stain};

/// The keys that are tested here, since many of them exclude each other.
pub const KEYS: [&str; 26] = [
    "warp",
    "autofluorescence",
    "autofluorescence_dye",
    "autofluorescence_of",
    "attenuation_length",
    "haze",
    "stripes",
    "stripe_width",
    "lost_images",
    "rounds",
    "distortion",
    "distortion_file",
    "distortion_pitch",
    "barcode_layers",
    "barcode_levels",
    "stain",
    "linkage",
    "labelled",
    "retention",
    "membrane_density",
    "cell_variation",
    "barcode",
    "puncta_proteins",
    "puncta_spread",
    "density_of",
    "factor",
];

const KEYS_OF_ROUNDS: &str = "number = 3\nshift = [0.1, 0.2, 0.3]\nrotation = 0.5\n";

fn with_expansion(keys: &str) -> String {
    FULL.replace(
        "[expansion]\nfactor = 4\n",
        &format!("[expansion]\n{keys}\n"),
    )
}

/// [`FULL`] with a layer more, of these keys.
fn with_layer(keys: &str) -> String {
    let text = FULL.replace(
        "gt_cells = \"splitted\"\nisotropic",
        "gt_cells = \"merged\"\nisotropic",
    );
    text.replace(
        "[expansion]\n",
        &format!("[labeling.more]\n{keys}\n\n[expansion]\n"),
    )
}

#[track_caller]
fn reads_back(text: &str) -> crate::config::Config {
    let config = read(text).unwrap();
    assert_eq!(
        read(&config.to_toml()).unwrap(),
        config,
        "{}",
        config.to_toml()
    );
    assert_eq!(read(&config.to_commented_toml()).unwrap(), config);
    config.validate().unwrap();
    config
}

#[test]
fn factors_are_of_all_axes_of_each_or_of_rounds() {
    for (keys, factor, along) in [
        ("factor = 4", Factor::Uniform(4.0), [4.0; 3]),
        (
            "factor = [4, 4.5, 5]",
            Factor::PerAxis([4.0, 4.5, 5.0]),
            [4.0, 4.5, 5.0],
        ),
        ("factor = [4, 4, 4]", Factor::Uniform(4.0), [4.0; 3]),
        (
            "rounds = [4, 4.5]",
            Factor::Rounds(vec![4.0, 4.5]),
            [18.0; 3],
        ),
        ("rounds = [4]", Factor::Rounds(vec![4.0]), [4.0; 3]),
    ] {
        let expansion = reads_back(&with_expansion(keys)).expansion;
        assert_eq!(
            (&expansion.factor, expansion.factors()),
            (&factor, along),
            "{keys}"
        );
    }
    for (keys, problem) in [
        (
            "factor = 4\nrounds = [4]",
            "factor means nothing beside rounds",
        ),
        ("rounds = [4, 0.5]", "a list of numbers, each at least 1"),
        ("rounds = []", "a list of numbers, each at least 1"),
        (
            "factor = 0.5",
            "a number of at least 1, or three of them [z, x, y]",
        ),
        (
            "factor = [4, 4]",
            "a number of at least 1, or three of them [z, x, y]",
        ),
        ("", "factor is missing"),
    ] {
        let found = problems(&with_expansion(keys));
        assert!(
            found.len() == 1 && found[0].contains(problem),
            "{keys}: {found:?}"
        );
    }
}

#[test]
fn distortions_are_words_scales_or_files() {
    for (keys, distortion) in [
        ("", Distortion::None),
        ("distortion = \"none\"", Distortion::None),
        ("distortion = \"mild\"", Distortion::Mild),
        ("distortion = \"liconn\"", Distortion::Liconn),
        (
            "distortion = [[0.3, 0.04], [20, 1]]",
            Distortion::Scales(vec![[0.3, 0.04], [20.0, 1.0]]),
        ),
        (
            "distortion_file = \"/a/field.tif\"\ndistortion_pitch = [4, 8, 8]",
            Distortion::File {
                path: "/a/field.tif".into(),
                pitch: [4, 8, 8],
            },
        ),
    ] {
        let config = reads_back(&with_expansion(&format!("factor = 4\n{keys}")));
        assert_eq!(config.expansion.distortion, distortion, "{keys}");
    }
    for (keys, problem) in [
        ("distortion = \"wild\"", "did you mean \"mild\"?"),
        (
            "distortion = [[0, 1]]",
            "a list of two numbers above 0 each",
        ),
        ("distortion = []", "a list of two numbers above 0 each"),
        (
            "distortion_pitch = [4, 4, 4]",
            "means nothing without distortion_file",
        ),
        (
            "distortion = \"mild\"\ndistortion_file = \"a\"",
            "means nothing beside distortion_file",
        ),
        (
            "distortion_file = \"a\"\ndistortion_pitch = [4, 6, 4]",
            "a power of two from 1 to 512",
        ),
    ] {
        let found = problems(&with_expansion(&format!("factor = 4\n{keys}")));
        assert!(
            found.len() == 1 && found[0].contains(problem),
            "{keys}: {found:?}"
        );
    }
}

#[test]
fn layers_have_what_gels_show() {
    let config = reads_back(&with_layer(
        "linkage = 17.5\nlabelled = \"after\"\nretention = 0.6\ncell_variation = 0.5\npuncta_proteins = 40\npuncta_spread = 60",
    ));
    let extras = &config.labeling.layers["more"].extras;
    assert_eq!(
        (extras.linkage_nm, extras.labelled, extras.retention),
        (17.5, Labelled::After, 0.6)
    );
    assert_eq!(
        (extras.puncta_proteins, extras.puncta_spread_nm),
        (Some(40.0), 60.0)
    );
    let config = reads_back(&with_layer(
        "stain = \"protein\"\ndensity_of = { cytosol = 1, synapse = 2, outside = 0 }",
    ));
    let layer = &config.labeling.layers["more"];
    assert_eq!(
        (layer.extras.stain, layer.protein_density_per_nm3),
        (Stain::Protein, 0.01)
    );
    assert_eq!(layer.extras.density_of["synapse"], 2.0);
    let config = reads_back(&with_layer("stain = \"protein\""));
    assert_eq!(
        config.labeling.layers["more"].extras.density_of["outside"],
        0.15
    );
    let layer = &reads_back(&with_layer("membrane_density = 0.002"))
        .labeling
        .layers["more"];
    assert_eq!(
        (layer.protein_density_per_nm3, layer.region.name()),
        (0.0, "membrane")
    );
    for (keys, problem) in [
        (
            "linkage = 4\nantibody_amp = 2.5",
            "antibody_amp = 2.5 must be a whole number",
        ),
        (
            "stain = \"protein\"\nregion = \"membrane\"",
            "region = \"membrane\" must be \"full\"",
        ),
        (
            "stain = \"protein\"\nlabeling_density = 0.5",
            "must be 1, or left out, with stain",
        ),
        (
            "stain = \"protein\"\ncell_variation = 1",
            "cell_variation means nothing with stain",
        ),
        (
            "density_of = { cytosol = 1 }",
            "density_of] means nothing without stain",
        ),
        (
            "stain = \"protein\"\ndensity_of = { soma = 1 }",
            "a table of numbers of at least 0 by regions",
        ),
        (
            "membrane_density = 1\nregion = \"cytosol\"",
            "region = \"cytosol\" must be \"membrane\"",
        ),
        (
            "membrane_density = 1\nprotein_density = 0.1",
            "protein_density = 0.1 must be 0",
        ),
        (
            "puncta_spread = 4",
            "puncta_spread means nothing without puncta_proteins",
        ),
        ("barcode = true", "barcode_layers must say how many"),
    ] {
        let found = problems(&with_layer(keys));
        assert!(
            found.len() == 1 && found[0].contains(problem),
            "{keys}: {found:?}"
        );
    }
    let overlapping = with_layer("stain = \"protein\"").replace(
        "gt_cells = \"merged\"\nisotropic",
        "gt_cells = \"split\"\nisotropic",
    );
    assert!(problems(&overlapping)[0].contains("must be \"cells\" where cells may overlap"));
}

#[test]
fn barcodes_are_of_so_many_layers() {
    let with = |keys: &str| {
        let text = with_layer("barcode = true").replace(
            "[labeling.more]",
            "[labeling.other]\nbarcode = true\n\n[labeling.more]",
        );
        text.replace(
            "global_density = 0.9\n",
            &format!("global_density = 0.9\n{keys}\n"),
        )
    };
    let labeling = reads_back(&with("barcode_layers = 2\nbarcode_levels = [0.5, 1]")).labeling;
    assert_eq!(
        (labeling.barcode_layers, labeling.barcode_levels),
        (Some(2), vec![0.5, 1.0])
    );
    assert!(
        problems(&with("barcode_layers = 3"))[0]
            .contains("at most 2, the layers with barcode = true")
    );
    assert!(
        problems(&with("barcode_layers = 1\nbarcode_levels = [0]"))[0]
            .contains("numbers, each above 0")
    );
}

#[test]
fn light_is_dimmed_and_lost_where_keys_say_so() {
    let with = |optics: &str, channel: &str| {
        full_physical(true)
            .replace("[optics]\n", &format!("[optics]\n{optics}\n"))
            .replace(
                "[optics.channels.channel_1]\n",
                &format!("[optics.channels.channel_1]\n{channel}\n"),
            )
            .replace("pinhole_radius = 50\n", "")
    };
    let config = reads_back(&with(
        "stripes = 0.1\nstripe_width = 3\nlost_images = [0, 4]",
        "haze = 20\nattenuation_length = 150",
    ));
    let physical = config.optics.physical.unwrap();
    assert_eq!(
        (physical.stripes, physical.stripe_width_um),
        (Some(0.1), Some(3.0))
    );
    assert_eq!(physical.lost_images, [0, 4]);
    let channel = &config.optics.channels["channel_1"];
    assert_eq!(
        (channel.haze.clone(), channel.attenuation_length_um),
        (Some(20.0.into()), Some(150.0))
    );
    for (optics, channel, problem) in [
        ("stripes = 1.5", "", "from 0 to 1"),
        ("stripe_width = 3", "", "means nothing without stripes"),
        (
            "lost_images = [0.5]",
            "",
            "a list of whole numbers, of images from 0 on",
        ),
        (
            "lost_images = [-1]",
            "",
            "a list of whole numbers, of images from 0 on",
        ),
        ("", "haze = -1", "at least 0 electrons per s"),
        ("", "attenuation_length = 0", "above 0 um"),
    ] {
        let found = problems(&with(optics, channel));
        assert!(
            found.len() == 1 && found[0].contains(problem),
            "{optics}{channel}: {found:?}"
        );
    }
    let of_simexm = FULL.replace("[optics]\n", "[optics]\nstripes = 0.1\n");
    assert_eq!(problems(&of_simexm).len(), 1);
}

#[test]
fn rounds_of_imaging_are_off_unless_they_are_asked_for() {
    assert!(FULL.contains(KEYS_OF_ROUNDS));
    let with = |keys: &str| FULL.replace(KEYS_OF_ROUNDS, keys);
    let warped = with(&format!("{KEYS_OF_ROUNDS}warp = [[30, 0.5]]\n"));
    let rounds = reads_back(&warped).rounds.unwrap();
    assert_eq!((rounds.number, rounds.shift_um), (3, [0.1, 0.2, 0.3]));
    assert_eq!(
        (rounds.rotation_degrees, rounds.warp_um),
        (0.5, vec![[30.0, 0.5]])
    );
    assert_eq!(
        reads_back(&with("number = 2\nshift = 0.5\n"))
            .rounds
            .unwrap()
            .shift_um,
        [0.5; 3]
    );
    let none = reads_back(&FULL.replace(&format!("[rounds]\n{KEYS_OF_ROUNDS}"), ""));
    assert_eq!(none.rounds, None);
    let names = |config: &crate::config::Config| -> Vec<String> {
        let imaged = config.imaged_channels().into_iter();
        imaged.map(|imaged| imaged.name).collect()
    };
    assert_eq!(names(&none), ["channel_1"]);
    let two = reads_back(&with("number = 2\n"));
    assert_eq!(names(&two), ["round_1_channel_1", "round_2_channel_1"]);
    let ten = reads_back(&with("number = 10\n"));
    assert_eq!(
        names(&ten)[8..],
        ["round_09_channel_1", "round_10_channel_1"]
    );
    for (keys, problem) in [
        ("", "number is missing"),
        ("number = 0", "a whole number from 1 to 64"),
        (
            "number = 2\nshift = -1",
            "a number of at least 0 um, or three of them",
        ),
        ("number = 2\nrotation = 90", "a number from 0 to 45 degrees"),
        (
            "number = 2\nwarp = [[0, 1]]",
            "a list of two numbers above 0 each",
        ),
        (
            "number = 2\nwarp = \"mild\"",
            "a list of two numbers above 0 each",
        ),
    ] {
        let found = problems(&with(&format!("{keys}\n")));
        assert!(
            found.len() == 1 && found[0].contains(problem),
            "{keys}: {found:?}"
        );
    }
}

#[test]
fn tissue_shines_fades_and_hazes_where_keys_say_so() {
    let of_tissue = |keys: &str| {
        let text = full_physical(true).replace(
            "[tissue]\nattenuation_length = 200\n",
            &format!("[tissue]\n{keys}\n"),
        );
        text.replace("pinhole_radius = 50\n", "").replace(
            "gt_cells = \"splitted\"\nisotropic",
            "gt_cells = \"merged\"\nisotropic",
        )
    };
    let config = reads_back(&of_tissue("attenuation_length = 100\nhaze = 5"));
    assert_eq!(config.attenuation_length_um("channel_1"), Some(100.0));
    assert_eq!(config.haze("channel_1"), Some(&5.0.into()));
    assert_eq!(config.layers().len(), config.labeling.layers.len());
    let config = reads_back(&of_tissue(
        "autofluorescence = 1e-6\nautofluorescence_dye = \"ATTO488\"\nautofluorescence_of = { full = 1, synapse = 2 }\nhaze = [[0, 1], [50, 2.5]]",
    ));
    assert_eq!(config.haze("channel_1").unwrap().at(25.0), 1.75);
    let layer = &config.layers()["autofluorescence"];
    assert_eq!(
        (layer.fluorophore.as_str(), layer.protein_density_per_nm3),
        ("ATTO488", 1e-6)
    );
    assert_eq!(layer.extras.stain, Stain::Protein);
    let usual = reads_back(&of_tissue("autofluorescence = 1e-6"));
    assert_eq!(
        usual.layers()["autofluorescence"].extras.density_of["outside"],
        0.15
    );
    for (keys, problem) in [
        ("autofluorescence = 2", "a number from 0 to 1 per nm^3"),
        (
            "autofluorescence_dye = \"Flavin\"",
            "means nothing without autofluorescence",
        ),
        (
            "autofluorescence = 1e-6\nautofluorescence_of = { soma = 1 }",
            "a table of numbers of at least 0 by regions",
        ),
        (
            "haze = [[10, 1], [5, 2]]",
            "a list of depths in um of at least 0, ascending",
        ),
        (
            "haze = []",
            "a list of depths in um of at least 0, ascending",
        ),
        (
            "stripes = 0.1",
            "means nothing here, since it is a key of [optics]",
        ),
        ("attenuation_length = 0", "above 0 um"),
    ] {
        let found = problems(&of_tissue(keys));
        assert!(
            found.len() == 1 && found[0].contains(problem),
            "{keys}: {found:?}"
        );
    }
    let overlapping = of_tissue("autofluorescence = 1e-6").replace(
        "gt_cells = \"merged\"\nisotropic",
        "gt_cells = \"split\"\nisotropic",
    );
    assert!(problems(&overlapping)[0].contains("means nothing where cells may overlap"));
    let of_simexm = FULL.replace("[tissue]\n", "[tissue]\nhaze = 1\n");
    assert!(problems(&of_simexm)[0].contains("haze means nothing with [model] kind"));
}
