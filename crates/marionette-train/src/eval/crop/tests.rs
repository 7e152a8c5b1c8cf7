use super::*;
use image::{Rgb, imageops};

const RULE: CropRule = CropRule { enlarge: 1.25, padding: [10, 20, 30] };
const AS_IT_IS: CropRule = CropRule { enlarge: 1.0, padding: [0; 3] };

fn noise(width: u32, height: u32) -> RgbImage {
    let hash = |n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8;
    RgbImage::from_fn(width, height, |x, y| {
        let n = 3 * (y * width + x);
        Rgb([hash(n), hash(n + 1), hash(n + 2)])
    })
}

/// A bright spot around a place, on black.
fn spot(width: u32, height: u32, at: [f64; 2], sigma: f64) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let square = (f64::from(x) + 0.5 - at[0]).powi(2) + (f64::from(y) + 0.5 - at[1]).powi(2);
        Rgb([(255.0 * (-square / (2.0 * sigma * sigma)).exp()).round() as u8; 3])
    })
}

fn centroid(bytes: &[u8], width: usize) -> [f64; 2] {
    let mut sums = [0.0; 3];
    for (i, color) in bytes.chunks_exact(3).enumerate() {
        let weight = f64::from(color[0]);
        sums[0] += weight * ((i % width) as f64 + 0.5);
        sums[1] += weight * ((i / width) as f64 + 0.5);
        sums[2] += weight;
    }
    [sums[0] / sums[2], sums[1] / sums[2]]
}

#[test]
fn a_box_is_enlarged_around_its_middle_and_takes_the_inputs_shape() {
    // 40 x 20 around (30, 50), by 1.25 and to 2 : 3.
    let crop = Crop::new([10.0, 40.0, 40.0, 20.0], &RULE, [64, 96]);
    let (near, far) = (crop.to_picture([0.0, 0.0]), crop.to_picture([64.0, 96.0]));
    assert_eq!((near, far), ([5.0, 12.5], [55.0, 87.5]));
    for place in [[0.0, 0.0], [13.7, -8.2], [63.9, 500.0]] {
        let back = crop.to_input(crop.to_picture(place));
        assert!((back[0] - place[0]).abs() < 1e-9 && (back[1] - place[1]).abs() < 1e-9, "{back:?}");
    }
    let whole = Crop::whole(100, 50, &RULE, [64, 64]);
    assert_eq!(
        (whole.to_picture([0.0, 0.0]), whole.to_picture([64.0, 64.0])),
        ([0.0, -25.0], [100.0, 75.0])
    );
}

#[test]
fn the_same_size_is_the_same_picture() {
    let picture = noise(64, 48);
    let crop = Crop::whole(64, 48, &RULE, [64, 48]);
    assert_eq!(crop.render(&picture), *picture.as_raw());
    let part = Crop::new([8.0, 4.0, 32.0, 16.0], &AS_IT_IS, [32, 16]);
    assert_eq!(
        part.render(&picture),
        *imageops::crop_imm(&picture, 8, 4, 32, 16).to_image().as_raw()
    );
}

#[test]
fn a_spot_stays_where_it_is_at_every_scale() {
    // Width and height of the picture, the spot, the box.
    for (size, at, sigma, bbox) in [
        ([200, 150], [83.37, 61.81], 5.0, [50.0, 30.0, 70.0, 70.0]),
        ([200, 150], [83.37, 61.81], 1.5, [70.3, 50.9, 22.1, 24.7]),
        ([1000, 900], [412.63, 333.19], 25.0, [100.0, 60.0, 640.0, 512.0]),
        ([1000, 900], [412.63, 333.19], 25.0, [-800.0, -700.0, 2400.0, 2100.0]),
    ] {
        let picture = spot(size[0], size[1], at, sigma);
        let crop = Crop::new(bbox, &CropRule { padding: [0; 3], ..RULE }, [64, 64]);
        let found = crop.to_picture(centroid(&crop.render(&picture), 64));
        // 0.05 pixels of the picture or of the input, whichever are larger: bytes hold no more.
        let allowed = 0.05 * crop.scale.max(1.0);
        let off = (found[0] - at[0]).abs().max((found[1] - at[1]).abs());
        assert!(off < allowed, "{bbox:?}: off by {off}, {allowed} allowed");
    }
}

#[test]
fn a_mirrored_picture_gives_a_mirrored_input() {
    let picture = noise(90, 70);
    let (bbox, mirrored) = ([-12.25, 9.5, 80.0, 50.5], [90.0 + 12.25 - 80.0, 9.5, 80.0, 50.5]);
    let input = Crop::new(bbox, &RULE, [64, 48]).render(&picture);
    let other = Crop::new(mirrored, &RULE, [64, 48]).render(&imageops::flip_horizontal(&picture));
    let flipped = imageops::flip_horizontal(&RgbImage::from_raw(64, 48, input).unwrap());
    let off = flipped.as_raw().iter().zip(&other).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(off <= Some(1), "rounding apart: {off:?}");
}

#[test]
fn shrinking_takes_the_mean_and_skips_nothing() {
    // A fine checkerboard is grey from afar.
    let picture =
        RgbImage::from_fn(640, 640, |x, y| Rgb([if (x + y) % 2 == 0 { 255 } else { 0 }; 3]));
    let input = Crop::new([0.0, 0.0, 640.0, 640.0], &AS_IT_IS, [64, 64]).render(&picture);
    for y in 1..63 {
        for x in 1..63 {
            let value = input[3 * (64 * y + x)];
            assert!((126..=129).contains(&value), "{value} at {x}, {y}");
        }
    }
}

#[test]
fn what_lies_outside_is_padding() {
    let picture = RgbImage::from_pixel(40, 40, Rgb([200; 3]));
    let padding = RULE.padding.as_slice();
    let part = Crop::new([20.0, 0.0, 40.0, 40.0], &CropRule { enlarge: 1.0, ..RULE }, [40, 40])
        .render(&picture);
    let pixel = |x: usize, y: usize| &part[3 * (40 * y + x)..][..3];
    assert_eq!((pixel(19, 20), pixel(20, 20), pixel(39, 39)), (&[200; 3][..], padding, padding));
    let nothing = [
        [500.0, 0.0, 40.0, 40.0],
        [-1e30, -1e30, 10.0, 10.0],
        [-1e38, -1e38, 2e38, 2e38],
        [f32::NAN, 0.0, 4.0, f32::NAN],
        [f32::INFINITY, 0.0, 4.0, 4.0],
        [50.0, 50.0, 0.0, 0.0],
        [50.0, 50.0, -9.0, -9.0],
    ];
    for bbox in nothing {
        let input = Crop::new(bbox, &RULE, [16, 24]).render(&picture);
        assert_eq!(input.len(), 3 * 16 * 24);
        assert!(input.chunks_exact(3).all(|color| color == padding), "{bbox:?}");
    }
    // A tenth of the width and of the height of one input pixel: that pixel is a hundredth picture,
    // and its neighbours less.
    let far = Crop::new([-180.0, -180.0, 400.0 * 16.0, 400.0 * 16.0], &AS_IT_IS, [16, 16])
        .render(&picture);
    assert!(far[0] >= 1 && far[0] <= 3 && far[3 * 5] == 0, "{far:?}");
}

#[test]
fn long_thin_pictures_and_huge_boxes_cost_no_more_than_their_pixels() {
    for (width, height) in [(1, 2_000_000), (2_000_000, 1)] {
        let picture = RgbImage::from_pixel(width, height, Rgb([255; 3]));
        let input = Crop::whole(width, height, &RULE, [64, 64]).render(&picture);
        assert!(input.chunks_exact(3).all(|color| color == RULE.padding), "a hair's breadth");
        let close = Crop::new([0.0, 0.0, 1.0, 1.0], &AS_IT_IS, [64, 64]).render(&picture);
        assert_eq!(&close[3 * (64 * 32 + 32)..][..3], [253; 3], "a 128th off its middle");
    }
}
