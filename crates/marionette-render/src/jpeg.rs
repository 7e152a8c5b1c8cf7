//! What a JPEG file does to a picture: the blocks and halos that the format makes (ITU-T T.81 |
//! ISO/IEC 10918-1, chroma at full resolution). Only the lossy steps are computed; codes and
//! headers lose nothing.

/// Rows of eight places or frequencies.
type Block = [[f32; 8]; 8];

/// Replaces the colours (RGBA, `width` x `height`) by those that a JPEG file of `quality` (1 to
/// 100) keeps.
///
/// It computes in a fixed order, so the result is the same on every machine.
pub fn keep(rgba: &mut [u8], width: u32, height: u32, quality: u8) {
    let (width, height) = (width as usize, height as usize);
    let [luma, chroma] = [LUMA, CHROMA].map(|table| steps(table, quality));
    for top in (0..height).step_by(8) {
        for left in (0..width).step_by(8) {
            // Blocks reach beyond the picture; its last pixels are repeated there.
            let within = 4 * (width - left).min(8);
            let start = |y: usize| 4 * ((top + y).min(height - 1) * width + left);
            let mut blocks = [[[0.0; 8]; 8]; 3];
            for y in 0..8 {
                let mut row = [0; 32];
                row[..within].copy_from_slice(&rgba[start(y)..start(y) + within]);
                (within..32).for_each(|beyond| row[beyond] = row[beyond - 4]);
                let mut of_row = [[0.0; 8]; 3];
                for (x, pixel) in row.chunks_exact(4).enumerate() {
                    (0..3).for_each(|channel| of_row[channel][x] = f32::from(pixel[channel]));
                }
                let [red, green, blue] = of_row;
                for x in 0..8 {
                    blocks[0][y][x] =
                        whole(0.299 * red[x] + 0.587 * green[x] + 0.114 * blue[x] - 128.0);
                    blocks[1][y][x] =
                        whole(-0.168_735_9 * red[x] - 0.331_264_1 * green[x] + 0.5 * blue[x]);
                    blocks[2][y][x] =
                        whole(0.5 * red[x] - 0.418_687_6 * green[x] - 0.081_312_4 * blue[x]);
                }
            }
            for (block, steps) in blocks.iter_mut().zip([&luma, &chroma, &chroma]) {
                *block = quantized(block, steps);
            }
            let [luma, blue, red] = &blocks;
            for y in 0..8.min(height - top) {
                let mut row = [[0; 8]; 3];
                for x in 0..8 {
                    let [luma, blue, red] =
                        [luma, blue, red].map(|block| whole(block[y][x].clamp(-128.0, 127.0)));
                    let luma = luma + 128.0;
                    row[0][x] = byte(luma + 1.402 * red);
                    row[1][x] = byte(luma - 0.344_136_3 * blue - 0.714_136_3 * red);
                    row[2][x] = byte(luma + 1.772 * blue);
                }
                for (x, pixel) in rgba[start(y)..start(y) + within].chunks_exact_mut(4).enumerate()
                {
                    (0..3).for_each(|channel| pixel[channel] = row[channel][x]);
                }
            }
        }
    }
}

/// Steps of the frequencies at quality 50, for brightness and for colour (T.81, tables K.1 and
/// K.2).
const LUMA: [[u16; 8]; 8] = [
    [16, 11, 10, 16, 24, 40, 51, 61],
    [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77],
    [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101],
    [72, 92, 95, 98, 112, 100, 103, 99],
];
const CHROMA: [[u16; 8]; 8] = [
    [17, 18, 24, 47, 99, 99, 99, 99],
    [18, 21, 26, 66, 99, 99, 99, 99],
    [24, 26, 56, 99, 99, 99, 99, 99],
    [47, 66, 99, 99, 99, 99, 99, 99],
    [99; 8],
    [99; 8],
    [99; 8],
    [99; 8],
];

/// A table's steps at another quality, as libjpeg scales them. The table comes out transposed.
fn steps(table: [[u16; 8]; 8], quality: u8) -> Block {
    let quality = u32::from(quality.clamp(1, 100));
    let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    let step = |step: u16| ((u32::from(step) * percent + 50) / 100).clamp(1, 255) as f32;
    transposed(&table.map(|row| row.map(step)))
}

/// The block with its frequencies rounded to whole numbers of steps.
fn quantized(block: &Block, steps: &Block) -> Block {
    let mut frequencies = forward(&transposed(&forward(block)));
    for (row, steps) in frequencies.iter_mut().zip(steps) {
        for (frequency, step) in row.iter_mut().zip(steps) {
            *frequency = whole(*frequency / step) * step;
        }
    }
    inverse(&transposed(&inverse(&frequencies)))
}

/// A float of this size has no bits for fractions. So adding it and subtracting it again rounds a
/// number, without a function call.
const TO_WHOLE: f32 = 12_582_912.0;

fn whole(value: f32) -> f32 {
    value + TO_WHOLE - TO_WHOLE
}

/// The nearest whole number from 0 to 255: the last bits after [`TO_WHOLE`] was added.
fn byte(value: f32) -> u8 {
    (value.clamp(0.0, 255.0) + TO_WHOLE).to_bits() as u8
}

/// The discrete cosine transform along the columns. Even waves are the same from either end, odd
/// waves are opposite.
fn forward(block: &Block) -> Block {
    let mut folded = [[[0.0; 8]; 4]; 2];
    for place in 0..4 {
        for column in 0..8 {
            let [first, last] = [place, 7 - place].map(|place| block[place][column]);
            folded[0][place][column] = first + last;
            folded[1][place][column] = first - last;
        }
    }
    let mut frequencies = [[0.0; 8]; 8];
    for (frequency, waves) in WAVES.iter().enumerate() {
        for (place, height) in waves.iter().enumerate() {
            add(&mut frequencies[frequency], *height, &folded[frequency % 2][place]);
        }
    }
    frequencies
}

/// The inverse of [`forward`].
fn inverse(frequencies: &Block) -> Block {
    let mut folded = [[[0.0; 8]; 4]; 2];
    for (frequency, waves) in WAVES.iter().enumerate() {
        for (place, height) in waves.iter().enumerate() {
            add(&mut folded[frequency % 2][place], *height, &frequencies[frequency]);
        }
    }
    let mut block = [[0.0; 8]; 8];
    for place in 0..4 {
        for column in 0..8 {
            let [same, opposite] = [0, 1].map(|odd| folded[odd][place][column]);
            block[place][column] = same + opposite;
            block[7 - place][column] = same - opposite;
        }
    }
    block
}

/// Adds `weight` times a row.
fn add(sum: &mut [f32; 8], weight: f32, row: &[f32; 8]) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += weight * value;
    }
}

fn transposed(block: &Block) -> Block {
    let mut turned = [[0.0; 8]; 8];
    for y in 0..8 {
        for x in 0..8 {
            turned[x][y] = block[y][x];
        }
    }
    turned
}

/// `COSINES[k]` is half the cosine of `k` sixteenths of a half turn.
const COSINES: [f32; 9] = [
    0.5,
    0.490_392_64,
    0.461_939_77,
    0.415_734_8,
    0.353_553_4,
    0.277_785_12,
    0.191_341_72,
    0.097_545_16,
    0.0,
];

/// The first half of each of the eight waves, each of length 1 as a whole (T.81, A.3.3).
const WAVES: [[f32; 4]; 8] = {
    let mut waves = [[COSINES[4]; 4]; 8];
    let mut at = 4;
    while at < 32 {
        let (frequency, place) = (at / 4, at % 4);
        let angle = frequency * (2 * place + 1) % 32;
        // Fold the angle to half a turn, then to a quarter.
        let angle = if angle > 16 { 32 - angle } else { angle };
        waves[frequency][place] = if angle > 8 { -COSINES[16 - angle] } else { COSINES[angle] };
        at += 1;
    }
    waves
};

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageFormat, codecs::jpeg::JpegEncoder};

    /// Shades, edges and a little noise. Its sides are not multiples of a block.
    fn picture(width: u32, height: u32) -> Vec<u8> {
        let pixel = |i: u32| {
            let (x, y) = (i % width, i / width);
            let edge = if (x / 13 + y / 11) % 2 == 0 { 90 } else { 0 };
            [x * 3 + edge, 200 - y * 2 - edge, (i * 37 % 23) + x + y, 255]
                .map(|value| value.min(255) as u8)
        };
        (0..width * height).flat_map(pixel).collect()
    }

    #[test]
    fn what_is_kept_is_what_a_file_keeps() {
        let (width, height) = (44, 27);
        let rgba = picture(width, height);
        let rgb: Vec<u8> = rgba.chunks_exact(4).flat_map(|pixel| pixel[..3].to_vec()).collect();
        for quality in [10, 35, 50, 75, 95] {
            let mut file = Vec::new();
            JpegEncoder::new_with_quality(&mut file, quality)
                .encode(&rgb, width, height, ExtendedColorType::Rgb8)
                .unwrap();
            let from_file =
                image::load_from_memory_with_format(&file, ImageFormat::Jpeg).unwrap().into_rgb8();
            let mut kept = rgba.clone();
            keep(&mut kept, width, height, quality);
            let pixels = || kept.chunks_exact(4).zip(from_file.pixels()).zip(rgba.chunks_exact(4));
            let (mut apart, mut lost) = (0, 0);
            for ((kept, file), before) in pixels() {
                assert_eq!(kept[3], before[3], "opacity stays");
                apart += (0..3).map(|i| u32::from(kept[i].abs_diff(file.0[i]))).sum::<u32>();
                lost += (0..3).map(|i| u32::from(before[i].abs_diff(file.0[i]))).sum::<u32>();
            }
            // The encoder and the decoder use cosines in whole numbers.
            let [apart, lost] =
                [apart, lost].map(|sum| f64::from(sum) / f64::from(3 * width * height));
            assert!(apart < 0.2 * lost + 0.4, "quality {quality}: {apart} apart, {lost} lost");
        }
    }

    #[test]
    fn a_block_of_frequencies_comes_back() {
        let mut block = [[0.0; 8]; 8];
        (0..64).for_each(|i| block[i / 8][i % 8] = (i * 29 % 64) as f32 - 30.0);
        let frequencies = forward(&transposed(&forward(&block)));
        let energy = |block: &Block| block.iter().flatten().map(|value| value * value).sum::<f32>();
        assert!((energy(&frequencies) / energy(&block) - 1.0).abs() < 1e-5);
        assert!((frequencies[0][0] - block.iter().flatten().sum::<f32>() / 8.0).abs() < 1e-3);
        let back = inverse(&transposed(&inverse(&frequencies)));
        assert!(
            back.iter().flatten().zip(block.iter().flatten()).all(|(a, b)| (a - b).abs() < 1e-3)
        );
    }
}
