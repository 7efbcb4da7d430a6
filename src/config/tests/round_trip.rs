//! Configurations that were written read back equal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::select;

use super::{FLUOROPHORES, FULL, read};
use crate::base::text::is_unseen;
use crate::config::{
    AdapterChoice, Arrangement, BackendChoice, BitDepth, CellPart, CellsFrom, Channel,
    ChannelArrangement, ChannelFiles, Choice, ChunkCodec, Compression, Compute, Config, Crop,
    Distortion, Expansion, Factor, GroundTruth, InputFormat, Labeling, Layer, MOST_SEEDS, Metric,
    ModelKind, Normalization, Optics, Output, OutputFormat, OwnFluorophore, RegionVolume,
    Requirement, Rounds, SingleNeuron, StoredIds, SweepKeys, Tissue, WrittenIds,
};
use crate::optics::psf::Microscope;

fn any_choice<C: Choice + std::fmt::Debug>() -> impl Strategy<Value = C> {
    select(C::all())
}

/// Names with dots, quotes, spaces and letters of all kinds.
fn name() -> impl Strategy<Value = String> {
    "\\PC{0,12}".prop_filter(
        "keys, built-in regions and what is not seen are no names",
        |name| {
            let taken = ["global_density", "full", "membrane", "cytosol"].contains(&name.as_str());
            !taken && !name.chars().any(is_unseen)
        },
    )
}

fn path() -> impl Strategy<Value = PathBuf> {
    "(/a|/a/b)?/\\PC{0,20}".prop_map(PathBuf::from)
}

/// Numbers from `min` to beyond any sense.
fn from(min: f64) -> impl Strategy<Value = f64> {
    prop_oneof![Just(min), min..min + 10.0, min..1e300]
}

fn share() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0, 0.0..1e-12]
}

prop_compose! {
    fn groundtruth()(
        image_path in path(),
        offset_voxels in prop::array::uniform3(0..=u32::MAX as usize),
        bounds_voxels in prop::option::of(prop::array::uniform3(1..=u32::MAX as usize)),
        format in prop::option::of(any_choice::<InputFormat>()),
        gt_cells in any_choice::<Arrangement>(),
        isotropic: bool,
        voxel_nm in prop::option::of(prop::array::uniform3(from(1e-9))),
        upsample in prop::array::uniform3(1usize..=64),
        ids in any_choice::<StoredIds>(),
        background in prop::collection::vec(i128::from(i64::MIN)..=i128::from(u64::MAX), 0..3),
        label in any_choice::<CellsFrom>(),
        [series, channel, time] in prop::array::uniform3(prop::option::of(0..=u32::MAX as usize)),
        dataset in prop::option::of("[a-z]{1,4}(/[a-z0-9 ]{1,3}[0-9]){0,2}"),
        level in prop::option::of(0..=u32::MAX as usize),
        regions in prop::collection::btree_map(
            name(),
            (path(), prop::option::of("[a-z]{1,4}"), prop::option::of(0..9usize))
                .prop_map(|(region_path, dataset, level)| RegionVolume { region_path, dataset, level }),
            0..3),
    ) -> GroundTruth {
        GroundTruth {
            image_path, offset_voxels, bounds_voxels, format, gt_cells, isotropic, voxel_nm,
            upsample, ids, background, label, series, channel, time, dataset, level, regions,
        }
    }
}

fn region(names: Vec<String>) -> impl Strategy<Value = CellPart> {
    let named = names.into_iter().map(CellPart::Named);
    select(
        [CellPart::Full, CellPart::Membrane, CellPart::Cytosol]
            .into_iter()
            .chain(named)
            .collect::<Vec<_>>(),
    )
}

prop_compose! {
    fn layer(names: Vec<String>)(
        fluorophore in select(&FLUOROPHORES[..11]),
        region in region(names),
        labeling_density in share(),
        protein_density_per_nm3 in share(),
        protein_noise in share(),
        antibody_amp in from(1.0),
        single_neuron in select(&[SingleNeuron::Off, SingleNeuron::Random, SingleNeuron::Largest][..]),
    ) -> Layer {
        Layer {
            fluorophore: fluorophore.to_owned(), region, labeling_density, protein_density_per_nm3,
            protein_noise, antibody_amp, single_neuron, ..Layer::default()
        }
    }
}

prop_compose! {
    fn channel()(
        laser_wavelength_nm in 200.0..=1000.0,
        laser_power_w in from(1e-300),
        laser_share in share(),
        min in -1e9..1e9,
        width in 1.0..1e9,
    ) -> Channel {
        let laser_filter_nm = [min, min + width];
        Channel {
            laser_wavelength_nm,
            laser_power_w: Some(laser_power_w),
            laser_share: Some(laser_share),
            laser_filter_nm,
            ..Channel::default()
        }
    }
}

prop_compose! {
    fn optics()(
        microscope in any_choice::<Microscope>().prop_filter("of SimExm", |m| m.is_simexm()),
        refractive_index in from(1.0),
        numerical_aperture in 1e-9..1.0,
        focal_plane_depth_nm in from(1.0),
        objective_back_aperture_m in from(1e-9),
        exposure_time_s in from(0.0),
        [objective_efficiency, detector_efficiency] in prop::array::uniform2(share()),
        objective_factor in from(1.0),
        pixel_size_nm in from(1.0),
        pinhole_radius_um in from(0.0),
        baseline_noise in from(0.0),
        magnify_evenly: bool,
        channels in prop::collection::btree_map(name(), channel(), 1..4),
    ) -> Optics {
        Optics {
            microscope, numerical_aperture, refractive_index, focal_plane_depth_nm,
            objective_back_aperture_m: Some(objective_back_aperture_m), exposure_time_s,
            objective_efficiency, detector_efficiency, objective_factor, pixel_size_nm,
            pinhole_radius_um: Some(pinhole_radius_um), baseline_noise: Some(baseline_noise),
            magnify_evenly, physical: None, channels,
        }
    }
}

prop_compose! {
    fn output(names: Vec<String>)(
        name in "[^/\\\\\\pC.]{1,12}".prop_filter("what is not seen is no name", |name| !name.chars().any(is_unseen)),
        path in path(),
        format in any_choice::<OutputFormat>(),
        sim_channels in any_choice::<ChannelArrangement>(),
        channel_files in any_choice::<ChannelFiles>(),
        ids in any_choice::<WrittenIds>(),
        gt_cells in any_choice::<Arrangement>(),
        gt_region in region(names),
        bit_depth in select([BitDepth::Eight, BitDepth::Sixteen].as_slice()),
        normalize in any_choice::<Normalization>(),
        compression in prop::option::of(any_choice::<Compression>()),
        codec in prop::option::of(any_choice::<ChunkCodec>()),
        shard in prop::option::of((1..=1024usize).prop_map(|chunks| 64 * chunks)),
    ) -> Output {
        let bit_depth = if format.grey_bits < 16 { BitDepth::Eight } else { bit_depth };
        let sim_channels = match (format.holds_channels, format.holds_all) {
            (_, true) => ChannelArrangement::Composite,
            (true, _) => sim_channels,
            (false, _) => ChannelArrangement::Split,
        };
        let gt_cells = if format.holds_all { Arrangement::Merged } else { gt_cells };
        Output {
            name, path, format, sim_channels, channel_files, gt_cells, gt_region, ids, bit_depth, normalize,
            expected: false,
            compression,
            codec,
            shard,
        }
    }
}

prop_compose! {
    fn compute()(
        seed in prop::option::of(any::<u64>()),
        backend in any_choice::<BackendChoice>(),
        adapter in prop::option::of(prop_oneof![
            any::<u32>().prop_map(AdapterChoice::Index),
            "[a-z\"'][^\u{0}]{0,9}[a-z)]".prop_map(AdapterChoice::Name),
        ]),
        threads in prop::option::of(1..=512_usize),
        gpu_memory in prop::option::of(1_000_000..=1_000_000_000_000_000_000_u64),
        memory in prop::option::of(1_000_000..=1_000_000_000_000_000_000_u64),
    ) -> Compute {
        Compute { seed, backend, adapter, threads, gpu_memory, memory }
    }
}

prop_compose! {
    fn own_fluorophore()(
        quantum_yield in 1e-9..=1.0,
        extinction_coefficient in 1.0..1e6,
        lifetime_ns in prop::option::of(from(1e-3)),
        two_photon_gm in prop::option::of(from(1e-3)),
        bleach_yield in prop::option::of(0.0..=1.0),
        spectra in path(),
    ) -> OwnFluorophore {
        OwnFluorophore { quantum_yield, extinction_coefficient, lifetime_ns, two_photon_gm, bleach_yield, spectra }
    }
}

fn config() -> impl Strategy<Value = Config> {
    groundtruth().prop_flat_map(|groundtruth| {
        let names: Vec<_> = groundtruth.regions.keys().cloned().collect();
        let layers = prop::collection::btree_map(name(), layer(names.clone()), 1..4);
        let labeling = (share(), layers).prop_map(|(global_density, layers)| Labeling {
            global_density,
            layers,
            ..Labeling::default()
        });
        let expansion = prop_oneof![
            from(1.0).prop_map(Factor::Uniform),
            (from(1.0), from(1.0)).prop_map(|(z, x)| match z == x {
                true => Factor::Uniform(z),
                false => Factor::PerAxis([z, x, x]),
            }),
            prop::collection::vec(from(1.0), 1..4).prop_map(Factor::Rounds),
        ]
        .prop_map(|factor| Expansion {
            factor,
            distortion: Distortion::None,
        });
        (
            Just(groundtruth),
            labeling,
            expansion,
            optics(),
            output(names),
            compute(),
            prop::collection::btree_map("[a-z]{1,8}", own_fluorophore(), 0..3),
            (
                prop::option::of(rounds()),
                tissue(),
                prop::option::of(sweep()),
            ),
        )
            .prop_map(
                |(
                    groundtruth,
                    labeling,
                    expansion,
                    optics,
                    output,
                    compute,
                    fluorophores,
                    other,
                )| {
                    let (rounds, tissue, sweep) = other;
                    Config {
                        model: ModelKind::Simexm,
                        detector: None,
                        groundtruth,
                        labeling,
                        expansion,
                        tissue,
                        optics,
                        rounds,
                        output,
                        compute,
                        sweep,
                        fluorophores,
                    }
                },
            )
    })
}

fn rounds() -> impl Strategy<Value = Rounds> {
    let pair = (0.001f64..1e3, 0.001f64..10.0).prop_map(|(xi, s)| [xi, s]);
    (
        1usize..=64,
        prop::array::uniform3(0.0f64..10.0),
        0.0f64..=45.0,
        prop::collection::vec(pair, 0..3),
    )
        .prop_map(|(number, shift_um, rotation_degrees, warp_um)| Rounds {
            number,
            shift_um,
            rotation_degrees,
            warp_um,
        })
}

fn sweep() -> impl Strategy<Value = SweepKeys> {
    let requirement =
        (any_choice::<Metric>(), any::<bool>(), -1e9..1e9).prop_map(|(metric, above, bound)| {
            Requirement {
                metric,
                above,
                bound,
            }
        });
    let crop = prop_oneof![
        Just(Crop::FirstLook),
        Just(Crop::Whole),
        prop::array::uniform3(1..=u32::MAX as usize).prop_map(Crop::Voxels),
    ];
    let axes = select(vec![
        "expansion.factor=4,[1, 2, 2]",
        "labeling.\"a b\".fluorophore=\"A,B\",C",
    ]);
    let axes = prop::collection::vec(axes, 0..3);
    (
        axes.prop_map(|axes| axes.into_iter().map(|axis| axis.parse().unwrap()).collect()),
        1..=MOST_SEEDS,
        crop,
        prop::collection::vec(any_choice::<Metric>(), 0..4),
        prop::collection::vec(requirement, 0..3),
    )
        .prop_map(|(vary, seeds, crop, metrics, require)| SweepKeys {
            vary,
            seeds,
            crop,
            metrics,
            require,
        })
}

fn tissue() -> impl Strategy<Value = Tissue> {
    prop::option::of(0.001f64..1e4).prop_map(|attenuation_length_um| Tissue {
        attenuation_length_um,
        ..Tissue::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn any_configuration_reads_back_equal(config in config()) {
        let text = config.to_toml();
        let again = read(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&again, &config, "{}", text);
        prop_assert_eq!(again.to_toml(), text);
        prop_assert!(config.validate().is_ok());
    }

    #[test]
    fn any_configuration_reads_back_equal_with_comments(config in config()) {
        for (text, folder) in [
            (config.to_commented_toml(), "/"),
            (config.to_commented_toml_in(Path::new("/a/b")), "/a/b"),
        ] {
            let again = Config::from_toml_str(&text, "c.toml", Path::new(folder), &[])
                .map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            prop_assert_eq!(&again, &config, "{}", text);
        }
    }
}

#[test]
fn the_written_form_is_simexms_with_every_default() {
    let config = read(FULL).unwrap();
    let text = config.to_toml();
    assert_eq!(read(&text).unwrap(), config);
    let keys = |text: &str| -> Vec<String> {
        let mut section = String::new();
        let mut keys = Vec::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').to_owned();
            } else if let Some((key, _)) = line.split_once(" = ") {
                keys.push(format!("{section}.{key}"));
            }
        }
        keys
    };
    assert_eq!(keys(&text), keys(FULL), "{text}");
    assert!(
        text.contains("image_path = \"/base/data/cells.tif\""),
        "{text}"
    );
}

#[test]
fn large_seeds_are_strings_that_read_back() {
    for (seed, written) in [
        (0, "seed = 0\n"),
        (i64::MAX as u64, "seed = 9223372036854775807\n"),
        (i64::MAX as u64 + 1, "seed = \"9223372036854775808\"\n"),
        (u64::MAX, "seed = \"18446744073709551615\"\n"),
    ] {
        let mut config = read(FULL).unwrap();
        config.compute.seed = Some(seed);
        let text = config.to_toml();
        assert!(text.contains(written), "{text}");
        assert_eq!(read(&text).unwrap().compute.seed, Some(seed));
    }
}

#[test]
fn a_table_of_the_run_may_follow() {
    let config = read(FULL).unwrap();
    let text = format!("{}\n[run]\nversion = \"0.1.0\"\n", config.to_toml());
    assert_eq!(read(&text).unwrap(), config);
    assert_eq!(
        config.optics.channels,
        BTreeMap::from([(
            "channel_1".to_owned(),
            config.optics.channels["channel_1"].clone()
        )])
    );
}

#[test]
fn configurations_of_the_physical_model_read_back_equal() {
    let scanning = super::full_physical(true).replace("pinhole_radius = 50\n", "");
    let seen_by_a_camera = super::full_physical(false).replace("pinhole_airy = 2\n", "");
    let plain = Config::physical().to_toml();
    for text in [&scanning, &seen_by_a_camera, &plain] {
        let config = read(text).unwrap();
        assert_eq!(config.model, ModelKind::Physical);
        let again = read(&config.to_toml()).unwrap();
        assert_eq!(again, config);
        assert_eq!(read(&config.to_commented_toml()).unwrap(), config);
        config.validate().unwrap();
    }
}
