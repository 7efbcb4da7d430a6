use super::*;

#[test]
fn every_measured_dye_is_read() {
    // name, extinction coefficient, quantum yield, guess, excitation peak, emission peak,
    // excitation and emission range
    let expected = [
        (
            "ATTO390",
            24000.0,
            0.9,
            false,
            389.0,
            479.0,
            [250.0, 450.0],
            [410.0, 670.0],
        ),
        (
            "ATTO425",
            45000.0,
            0.9,
            false,
            436.4,
            484.0,
            [250.0, 500.0],
            [420.0, 720.0],
        ),
        (
            "ATTO430LS",
            32000.0,
            0.65,
            false,
            432.0,
            547.0,
            [250.0, 599.0],
            [440.0, 800.0],
        ),
        (
            "ATTO465",
            75000.0,
            0.75,
            false,
            453.2,
            508.0,
            [250.0, 550.0],
            [440.0, 740.0],
        ),
        (
            "ATTO488",
            90000.0,
            0.8,
            false,
            501.0,
            525.0,
            [250.0, 570.0],
            [480.0, 720.0],
        ),
        (
            "ATTO490LS",
            40000.0,
            0.3,
            false,
            496.0,
            660.0,
            [250.0, 800.0],
            [500.0, 850.0],
        ),
        (
            "ATTO550",
            120000.0,
            0.8,
            false,
            553.4,
            576.0,
            [250.0, 600.0],
            [520.0, 800.0],
        ),
        (
            "ATTO647N",
            150000.0,
            0.65,
            false,
            646.0,
            669.0,
            [250.0, 720.0],
            [600.0, 940.0],
        ),
        (
            "ATTO700",
            120000.0,
            0.25,
            false,
            699.5,
            719.0,
            [250.0, 770.0],
            [640.0, 990.0],
        ),
        (
            "Alexa350",
            19000.0,
            0.25,
            true,
            343.0,
            441.0,
            [250.0, 400.0],
            [375.0, 600.0],
        ),
        (
            "Alexa790",
            260000.0,
            0.25,
            true,
            782.0,
            805.0,
            [400.0, 875.0],
            [750.0, 860.0],
        ),
    ];
    let measured: Vec<_> = catalogue()
        .iter()
        .filter(|dye| !dye.spectra_are_gaussian)
        .collect();
    assert_eq!(measured.len(), expected.len());
    assert!(catalogue().is_sorted_by(|a, b| a.name < b.name));
    for (dye, expected) in measured.into_iter().zip(expected) {
        let got = (
            dye.name.as_str(),
            dye.extinction_coefficient,
            dye.quantum_yield,
            dye.quantum_yield_is_guess,
            dye.excitation_peak_nm(),
            dye.emission_peak_nm(),
            dye.excitation.range_nm(),
            dye.emission.range_nm(),
        );
        assert_eq!(got, expected);
        assert_eq!(dye.maker.contains("ATTO-TEC"), dye.name.starts_with("ATTO"));
        assert_eq!(dye.excitation.at(dye.excitation_peak_nm()), 1.0);
        assert_eq!(dye.emission.at(dye.emission_peak_nm()), 1.0);
        assert_eq!(find(&dye.name), Some(dye));
    }
    assert_eq!(find("atto390"), None);
}

#[test]
fn samples_are_where_and_what_the_makers_state() {
    let at = |name: &str, wavelength_nm: f64| find(name).unwrap().excitation.at(wavelength_nm);
    assert_eq!(at("ATTO390", 250.5), 0.57);
    assert_eq!(at("ATTO550", 250.4), 0.328);
    assert_eq!(at("Alexa350", 250.0), 36.52855 / 100.0);
    assert_eq!(at("Alexa790", 401.0), 4.754196132 / 100.0);
    // The ultraviolet band of this dye exceeds its visible maximum.
    assert_eq!(at("ATTO465", 262.8), 1.154);
    assert_eq!(find("ATTO490LS").unwrap().emission.at(501.0), 0.001);
    let samples: usize = catalogue()
        .iter()
        .filter(|dye| !dye.spectra_are_gaussian)
        .map(|dye| dye.excitation.values().len() + dye.emission.values().len())
        .sum();
    assert_eq!(samples, 13020);
}

#[test]
fn damaged_dye_files_are_told_apart() {
    let whole = "name: a\nmaker: b\nextinction_coefficient: 1\nquantum_yield: 0.5\n\
                 excitation: 400 2\n1 2\n3\nemission: 500 1\n0 4 1\n";
    let dye = catalogue::parse(whole).unwrap();
    assert_eq!(dye.excitation.wavelengths_nm(), [400.0, 400.5, 401.0]);
    assert_eq!(dye.emission.values(), [0.0, 1.0, 0.25]);
    for (from, to, why) in [
        ("maker: b\n", "", "no maker"),
        ("0 4 1", "0 4 x", "x is not a number"),
        ("excitation: 400 2", "excitation: 400", "FIRST PER_NM"),
        ("excitation: 400 2\n", "", "samples before"),
        ("0 4 1", "7", "at least 2"),
        ("name", "nome", "unknown key nome"),
    ] {
        let error = catalogue::parse(&whole.replace(from, to)).unwrap_err();
        assert!(error.contains(why), "{error}, not {why}");
    }
}

fn triangle() -> Spectrum {
    Spectrum::new(vec![500.0, 510.0, 530.0], vec![0.0, 2.0, 0.0]).unwrap()
}

#[test]
fn spectrum_is_linear_between_samples_and_zero_outside() {
    let spectrum = Spectrum::new(vec![500.0, 510.0, 530.0], vec![1.0, 2.0, 0.5]).unwrap();
    let at = |wavelength_nm| spectrum.at(wavelength_nm);
    assert_eq!(
        [
            at(499.9),
            at(500.0),
            at(505.0),
            at(510.0),
            at(520.0),
            at(530.0),
            at(530.1)
        ],
        [0.0, 1.0, 1.5, 2.0, 1.25, 0.5, 0.0]
    );
    assert_eq!(at(f64::NAN), 0.0);
    assert_eq!(spectrum.peak_nm(), 510.0);
}

#[test]
fn fraction_is_the_area_in_the_band() {
    let spectrum = triangle();
    for (band, fraction) in [
        ([500.0, 530.0], 1.0),
        ([0.0, 1e4], 1.0),
        ([500.0, 510.0], 1.0 / 3.0),
        ([500.0, 505.0], 1.0 / 12.0),
        ([520.0, 600.0], 1.0 / 6.0),
        ([505.0, 520.0], 1.0 - 1.0 / 12.0 - 1.0 / 6.0),
        ([400.0, 500.0], 0.0),
        ([540.0, 600.0], 0.0),
        ([510.0, 510.0], 0.0),
    ] {
        assert!(
            (spectrum.fraction_within(band) - fraction).abs() < 1e-15,
            "{band:?}"
        );
    }
}

#[test]
fn disjoint_bands_add_up() {
    for dye in catalogue() {
        let cuts = [0.0, 433.3, 500.05, 500.06, 611.0, 749.99, 801.7, 2000.0];
        let total: f64 = cuts
            .windows(2)
            .map(|band| dye.emission.fraction_within([band[0], band[1]]))
            .sum();
        assert!((total - 1.0).abs() < 1e-14, "{}: {total}", dye.name);
    }
}

#[test]
fn peaks_in_the_ultraviolet_count_only_alone() {
    let spectrum = |values: [f64; 4]| {
        Spectrum::new(vec![260.0, 290.0, 310.0, 400.0], values.to_vec()).unwrap()
    };
    assert_eq!(
        spectrum([5.0, 1.0, 2.0, 2.0]).peak_above(300.0),
        (310.0, 2.0)
    );
    assert_eq!(
        spectrum([5.0, 1.0, 0.0, 0.0]).peak_above(300.0),
        (260.0, 5.0)
    );
    assert_eq!(
        spectrum([5.0, 1.0, 2.0, 1.0])
            .normalised_above(300.0)
            .values(),
        [2.5, 0.5, 1.0, 0.5]
    );
}

#[test]
fn spectrum_refuses_bad_samples() {
    let new = |wavelengths: &[f64], values: &[f64]| {
        Spectrum::new(wavelengths.to_vec(), values.to_vec()).unwrap_err()
    };
    use SpectrumError::*;
    assert_eq!(
        new(&[1.0, 2.0], &[1.0]),
        LengthMismatch {
            wavelengths: 2,
            values: 1
        }
    );
    assert_eq!(new(&[1.0], &[1.0]), TooShort(1));
    assert_eq!(
        new(&[-1.0, 2.0], &[1.0, 1.0]),
        BadWavelength {
            index: 0,
            wavelength_nm: -1.0
        }
    );
    assert!(matches!(
        new(&[1.0, f64::NAN], &[1.0, 1.0]),
        BadWavelength { index: 1, .. }
    ));
    assert_eq!(
        new(&[1.0, 1.0], &[1.0, 1.0]),
        NotAscending {
            index: 1,
            wavelength_nm: 1.0,
            previous_nm: 1.0
        }
    );
    assert_eq!(
        new(&[1.0, 2.0], &[1.0, -0.5]),
        BadValue {
            wavelength_nm: 2.0,
            value: -0.5
        }
    );
    assert!(matches!(
        new(&[1.0, 2.0], &[f64::INFINITY, 1.0]),
        BadValue { .. }
    ));
    assert_eq!(new(&[1.0, 2.0], &[0.0, 0.0]), AllZero);
}

#[test]
fn photons_follow_the_formula() {
    let illumination = Illumination {
        objective_back_aperture: 2.0,
        objective_factor: 4.0,
        exposure_time_s: 0.5,
        objective_efficiency: 0.8,
        detector_efficiency: 0.6,
        laser_wavelength_nm: 553.4,
        laser_power_w: 10.0,
        laser_share: 0.25,
        laser_filter_nm: [0.0, 2000.0],
    };
    let photons = illumination.photons(find("ATTO550").unwrap());
    assert_eq!((photons.excitation, photons.emission), (1.0, 1.0));
    let intensity = 2.5 / (std::f64::consts::PI * 0.25);
    let expected = 0.8 * 12000.0 * 0.5 * intensity * 553.4e-9 / 0.119626566 * 0.48;
    assert!(
        (photons.mean_photons / expected - 1.0).abs() < 1e-14,
        "{photons:?}"
    );
    // A laser beyond the table, and a filter beside the emission, leave nothing.
    let missed = Illumination {
        laser_wavelength_nm: 800.0,
        ..illumination.clone()
    };
    assert_eq!(missed.photons(find("ATTO550").unwrap()).mean_photons, 0.0);
    let blocked = Illumination {
        laser_filter_nm: [300.0, 400.0],
        ..illumination
    };
    assert_eq!(blocked.photons(find("ATTO550").unwrap()).emission, 0.0);
}

#[test]
fn gaussian_spectra_have_the_maxima_and_widths_that_they_should() {
    let dyes: Vec<_> = catalogue()
        .iter()
        .filter(|dye| dye.spectra_are_gaussian)
        .collect();
    assert_eq!(dyes.len(), 25);
    for dye in &dyes {
        assert!(dye.excitation_peak_nm() < dye.emission_peak_nm());
        assert!((0.05..=1.0).contains(&dye.quantum_yield), "{}", dye.name);
        assert!(
            (1e4..3e5).contains(&dye.extinction_coefficient),
            "{}",
            dye.name
        );
        assert!((0.1..6.0).contains(&dye.lifetime_ns), "{}", dye.name);
        assert!(!dye.maker.is_empty());
        for spectrum in [&dye.excitation, &dye.emission] {
            assert_eq!(spectrum.at(spectrum.peak_nm()), 1.0, "{}", dye.name);
        }
    }
    // Half the height at the half widths, and half the area of a Gaussian on each side: h sqrt(pi /
    // ln 2) / 2 of half width h.
    let band = gaussian::split_gaussian([500.0, 20.0, 40.0]).unwrap();
    assert_eq!([480.0, 500.0, 540.0].map(|nm| band.at(nm)), [0.5, 1.0, 0.5]);
    assert_eq!(band.at(460.0), 1.0 / 16.0);
    assert!((band.fraction_within([0.0, 500.0]) - 1.0 / 3.0).abs() < 1e-4);
    let [first, last] = band.range_nm();
    assert!(
        band.at(first) < 2e-3 && band.at(last) < 2e-3,
        "{first} {last}"
    );
    let alexa = find("Alexa488").unwrap();
    assert_eq!(alexa.excitation_peak_nm(), 499.0);
    // The measured spectrum has 0.75 there.
    assert!((alexa.excitation.at(488.0) - 0.75).abs() < 0.12);
}

#[test]
fn dyes_are_found_as_people_write_them() {
    for (name, dye) in [
        ("Alexa Fluor 488", "Alexa488"),
        ("AlexaFluor488", "Alexa488"),
        ("Alexa-647", "Alexa647"),
        ("AF594", "Alexa594"),
        ("AF 568", "Alexa568"),
        ("Atto 647N", "ATTO647N"),
        ("ATTO 565", "ATTO565"),
        ("Cy-5", "Cy5"),
        ("Janelia Fluor 646", "JF646"),
        ("JF-549", "JF549"),
        ("Hoechst 33342", "Hoechst33342"),
        ("SYTOX Green", "SYTOXGreen"),
        ("eGFP", "EGFP"),
        ("mCherry", "mCherry"),
    ] {
        assert_eq!(written(name), Some(dye));
    }
    for name in catalogue().iter().map(|dye| dye.name.as_str()) {
        assert_eq!(written(name), Some(name));
    }
    for name in ["atto 390", "Alexa", "AF999", "", " ", "GFP", "Alexa Fluor"] {
        assert_eq!(written(name), None, "{name}");
    }
}

#[test]
fn two_photon_cross_sections_lie_on_lines_between_those_measured() {
    let known: Vec<_> = catalogue()
        .iter()
        .filter(|dye| dye.two_photon.is_some())
        .map(|dye| dye.name.as_str())
        .collect();
    assert_eq!(known.len(), 12, "{known:?}");
    let gm = |name: &str, nm: f64| find(name).unwrap().two_photon_gm_at(nm);
    // Published values, and one between two of them.
    assert_eq!(gm("Fluorescein", 780.0), Some(37.33));
    assert_eq!(gm("Fluorescein", 920.0), Some(25.99));
    assert_eq!(gm("EGFP", 920.0), Some(54.9));
    assert_eq!(gm("EGFP", 915.0), Some(53.8 + 0.75 * (54.9 - 53.8)));
    assert_eq!(gm("mCherry", 1080.0), Some(26.6));
    assert_eq!(gm("Alexa594", 780.0), Some(99.8));
    assert_eq!(gm("Alexa350", 700.0), Some(34.28));
    // Two chromophores: 278 GM at 1050 nm.
    let tandem = gm("tdTomato", 1050.0).unwrap();
    assert!((tandem / 278.0 - 1.0).abs() < 0.05, "{tandem}");
    // The last value holds as far as a laser's pulses are wide, and no farther.
    assert_eq!(gm("Alexa488", 1010.0), Some(21.4));
    assert_eq!(gm("Alexa488", 1010.1), None);
    assert_eq!(gm("Alexa488", 690.0), Some(91.7));
    assert_eq!(gm("Alexa488", 689.9), None);
    assert_eq!(gm("ATTO488", 900.0), None);
    let why = |name: &str| find(name).unwrap().why_no_two_photon();
    assert_eq!(why("Alexa488"), "measured from 700 to 1000 nm only");
    assert_eq!(why("ATTO488"), "not measured");
    let own = Fluorophore {
        two_photon: Some(TwoPhoton::AtLaser(7.0)),
        ..find("ATTO488").unwrap().clone()
    };
    assert_eq!(own.two_photon_gm_at(1300.0), Some(7.0));
}
