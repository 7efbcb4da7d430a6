use super::Mask;

#[test]
fn mask_of_a_small_pinhole() {
    // Worked example of the rule at radius 1.6, before the doubling of y > 0.
    let mask = Mask { radius_px: 1.6 };
    let expected = [
        [1.0, 0.8, 0.3],
        [0.8, 1.18579 / 2.0, 0.36393 / 2.0],
        [0.3, 0.36393 / 2.0, 0.0],
    ];
    assert_eq!(mask.size(), 3);
    for (x, row) in expected.iter().enumerate() {
        for (y, &weight) in row.iter().enumerate() {
            assert!(
                (mask.weight(x, y) - weight).abs() < 5e-6,
                "({x}, {y}): {}",
                mask.weight(x, y)
            );
        }
    }
}

/// The same mask drawn into an array line by line, as the package does it.
#[test]
fn mask_equals_the_drawn_one() {
    for radius_px in [
        0.05, 0.5, 0.99, 1.0, 1.05, 1.4143, 2.0, 2.0000001, 3.3, 5.0, 7.8125, 14.2, 31.25, 39.0625,
    ] {
        let mask = Mask { radius_px };
        let size = mask.size();
        let mut drawn = vec![1.0; size * size];
        let corner = size - (size as f64 * (1.0 - 0.5_f64.sqrt())).ceil() as usize;
        for x in corner..size {
            drawn[x * size + corner..(x + 1) * size].fill(0.0);
        }
        for j in 0..=((size - 1) as f64 / 2.0_f64.sqrt()) as usize {
            let k = (radius_px * radius_px - (j * j) as f64).sqrt().ceil() as usize;
            assert!(k > 0, "a line beyond the circle");
            for i in k - 1..size {
                let distance = ((i * i + j * j) as f64).sqrt();
                let weight = if i > k {
                    0.0
                } else {
                    0.5 * (1.0 + radius_px - distance)
                };
                drawn[i * size + j] = weight;
                drawn[j * size + i] = weight;
            }
        }
        for (x, row) in drawn.chunks(size).enumerate() {
            for (y, &weight) in row.iter().enumerate() {
                let got = mask.weight(x, y);
                assert!(
                    (got - weight).abs() < 1e-12,
                    "radius {radius_px}, ({x}, {y}): {got}, not {weight}"
                );
            }
        }
    }
}
