//! Places: rooms, streets, stands, woods, skies and clutter, as the background of a person.

use super::canvas::{Canvas, color, near, skin};
use glam::{Vec2, Vec3};
use marionette_base::random;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Paints place `index`.
pub fn paint(index: u64) -> Canvas {
    let mut rng = random::stream(0, index, 0, "place picture");
    let rng = &mut rng;
    let mut canvas = match index % 8 {
        0 => room(rng),
        1 => street(rng),
        2 => stand(rng),
        3 => wood(rng),
        4 => sky(rng),
        5 => clutter(rng),
        6 => hall(rng),
        _ => stage(rng),
    };
    canvas.mottle(rng, 0.0, Vec2::splat(3.0), 0.12);
    canvas.mottle(rng, 0.0, Vec2::splat(70.0), 0.12);
    canvas
}

fn between(rng: &mut ChaCha8Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * rng.random::<f32>()
}

fn anywhere(rng: &mut ChaCha8Rng) -> Vec2 {
    Vec2::new(rng.random(), rng.random())
}

/// A wall with windows, doors, shelves and pictures, furniture in front.
fn room(rng: &mut ChaCha8Rng) -> Canvas {
    let wall = color(rng).lerp(Vec3::splat(0.7), 0.5);
    let mut canvas = Canvas::new(wall);
    canvas.gradient(0.0, 1.0, near(rng, wall, 0.1), near(rng, wall, 0.15));
    for _ in 0..rng.random_range(2..6) {
        let low = anywhere(rng) * Vec2::new(0.9, 0.5);
        let size = Vec2::new(between(rng, 0.08, 0.3), between(rng, 0.1, 0.4));
        let (frame, pane) = (color(rng), if rng.random() { Vec3::splat(0.92) } else { color(rng) });
        canvas.rectangle(low, low + size, frame);
        canvas.rectangle(low + 0.012, low + size - 0.012, pane);
        if rng.random() {
            let middle = low + size * 0.5;
            canvas.line(
                Vec2::new(middle.x, low.y),
                Vec2::new(middle.x, low.y + size.y),
                0.01,
                frame,
            );
            canvas.line(
                Vec2::new(low.x, middle.y),
                Vec2::new(low.x + size.x, middle.y),
                0.01,
                frame,
            );
        }
    }
    for _ in 0..rng.random_range(0..3) {
        shelf(&mut canvas, rng);
    }
    furniture(&mut canvas, rng);
    canvas
}

fn shelf(canvas: &mut Canvas, rng: &mut ChaCha8Rng) {
    let (left, width) = (rng.random::<f32>() * 0.8, between(rng, 0.15, 0.4));
    let wood = color(rng) * 0.6;
    for row in 0..rng.random_range(1..5) {
        let y = 0.25 + 0.14 * row as f32;
        let mut x = left;
        while x < left + width {
            let (thick, tall) = (between(rng, 0.01, 0.035), between(rng, 0.05, 0.11));
            canvas.rectangle(Vec2::new(x, y - tall), Vec2::new(x + thick, y), color(rng));
            x += thick;
        }
        canvas.rectangle(Vec2::new(left, y), Vec2::new(left + width, y + 0.012), wood);
    }
}

fn furniture(canvas: &mut Canvas, rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(1..5) {
        let (x, width, height) =
            (rng.random::<f32>(), between(rng, 0.08, 0.35), between(rng, 0.1, 0.35));
        let (body, top) = (color(rng), 1.0 - height);
        if rng.random() {
            canvas.rectangle(Vec2::new(x, top), Vec2::new(x + width, top + 0.03), body);
            for leg in [x, x + width - 0.015] {
                canvas.rectangle(Vec2::new(leg, top), Vec2::new(leg + 0.015, 1.0), body * 0.7);
            }
        } else {
            canvas.rectangle(Vec2::new(x, top), Vec2::new(x + width, 1.0), body);
            canvas.rectangle(Vec2::new(x, top), Vec2::new(x + width, top + 0.02), body * 1.2);
        }
    }
}

/// Houses with rows of windows under a sky, trees, cars, signs, people.
fn street(rng: &mut ChaCha8Rng) -> Canvas {
    let mut canvas = Canvas::new(Vec3::ONE);
    let blue = Vec3::new(0.45, 0.62, 0.85).lerp(Vec3::splat(0.8), rng.random());
    canvas.gradient(0.0, 1.0, blue, Vec3::splat(0.9));
    let mut x = -0.1;
    while x < 1.0 {
        let (width, top) = (between(rng, 0.15, 0.5), between(rng, -0.1, 0.45));
        house(&mut canvas, rng, Vec2::new(x, top), Vec2::new(x + width, 1.0));
        x += width;
    }
    for _ in 0..rng.random_range(0..4) {
        tree(&mut canvas, rng);
    }
    for _ in 0..rng.random_range(0..3) {
        let (at, paint) = (Vec2::new(rng.random(), between(rng, 0.88, 0.97)), color(rng));
        let size = between(rng, 0.1, 0.2);
        canvas.ellipse(at - Vec2::new(0.0, 0.25 * size), Vec2::new(0.6, 0.32) * size, paint * 0.8);
        canvas.rectangle(
            at - Vec2::new(size, 0.25 * size),
            at + Vec2::new(size, 0.12 * size),
            paint,
        );
        for wheel in [-0.6, 0.6] {
            canvas.ellipse(
                at + Vec2::new(wheel, 0.15) * size,
                Vec2::splat(0.2 * size),
                Vec3::splat(0.08),
            );
        }
    }
    for _ in 0..rng.random_range(0..5) {
        let (feet, height) =
            (Vec2::new(rng.random(), between(rng, 0.9, 1.0)), between(rng, 0.12, 0.4));
        canvas.person(rng, feet, height);
    }
    for _ in 0..rng.random_range(0..3) {
        let (x, grey) = (rng.random::<f32>(), Vec3::splat(between(rng, 0.1, 0.6)));
        canvas.line(Vec2::new(x, 0.0), Vec2::new(x, 1.0), between(rng, 0.01, 0.03), grey);
    }
    canvas
}

fn house(canvas: &mut Canvas, rng: &mut ChaCha8Rng, low: Vec2, high: Vec2) {
    let wall = color(rng).lerp(Vec3::new(0.6, 0.5, 0.42), 0.5);
    canvas.rectangle(low, high, wall);
    let (columns, rows) = (rng.random_range(2..7), rng.random_range(3..9));
    let pane = if rng.random() { wall * 0.35 } else { Vec3::new(0.6, 0.7, 0.8) };
    let cell = (high - low) / Vec2::new(columns as f32, rows as f32);
    for column in 0..columns {
        for row in 0..rows {
            let corner = low + cell * Vec2::new(column as f32, row as f32);
            canvas.rectangle(
                corner + cell * 0.22,
                corner + cell * Vec2::new(0.78, 0.85),
                near(rng, pane, 0.08),
            );
        }
    }
    if rng.random::<f32>() < 0.4 {
        let sign = Vec2::new(low.x, high.y - between(rng, 0.15, 0.4));
        canvas.rectangle(sign, Vec2::new(high.x, sign.y + 0.06), color(rng));
        let (from, to) = (sign + 0.012, Vec2::new(high.x, sign.y + 0.045));
        let ink = color(rng);
        canvas.letters(rng, from, to, ink);
    }
}

fn tree(canvas: &mut Canvas, rng: &mut ChaCha8Rng) {
    let at = Vec2::new(rng.random(), between(rng, 0.1, 0.5));
    let bark = near(rng, Vec3::new(0.28, 0.22, 0.17), 0.08);
    canvas.line(
        at,
        Vec2::new(at.x + between(rng, -0.05, 0.05), 1.0),
        between(rng, 0.02, 0.07),
        bark,
    );
    let reach = Vec2::splat(between(rng, 0.12, 0.3));
    leaves(canvas, rng, at, reach, 120);
}

fn leaves(canvas: &mut Canvas, rng: &mut ChaCha8Rng, middle: Vec2, reach: Vec2, count: usize) {
    let green = near(rng, Vec3::new(0.26, 0.38, 0.14), 0.14);
    for _ in 0..count {
        let off = (anywhere(rng) + anywhere(rng) - 1.0) * reach;
        let radii = Vec2::new(between(rng, 0.008, 0.04), between(rng, 0.008, 0.03));
        // Lit from above.
        let light = 1.0 - 0.5 * off.y / reach.y;
        canvas.ellipse(middle + off, radii, near(rng, green, 0.12) * light);
    }
}

/// Rows of spectators, boards with writing below.
fn stand(rng: &mut ChaCha8Rng) -> Canvas {
    let mut canvas = Canvas::new(color(rng) * 0.4);
    let rows = rng.random_range(5..16);
    let dim = between(rng, 0.25, 1.0);
    let end = between(rng, 0.5, 1.0);
    for row in 0..rows {
        let size = 0.8 * end / rows as f32;
        let y = end * (row as f32 + 0.5) / rows as f32;
        let mut x = -between(rng, 0.0, size);
        while x < 1.0 {
            if rng.random::<f32>() < 0.85 {
                let shirt = color(rng) * dim;
                canvas.ellipse(Vec2::new(x, y + 0.5 * size), Vec2::new(0.55, 0.7) * size, shirt);
                canvas.ellipse(
                    Vec2::new(x, y - 0.25 * size),
                    Vec2::new(0.26, 0.33) * size,
                    skin(rng) * dim,
                );
                let hair = Vec3::splat(between(rng, 0.05, 0.4)) * dim;
                canvas.ellipse(Vec2::new(x, y - 0.42 * size), Vec2::new(0.27, 0.2) * size, hair);
            }
            x += size * between(rng, 0.9, 1.5);
        }
    }
    boards(&mut canvas, rng, end);
    canvas
}

fn boards(canvas: &mut Canvas, rng: &mut ChaCha8Rng, top: f32) {
    let mut y = top;
    while y < 1.0 {
        let (height, mut x) = (between(rng, 0.08, 0.2), 0.0);
        while x < 1.0 {
            let width = between(rng, 0.2, 0.8);
            let (board, ink) = (color(rng), color(rng));
            canvas.rectangle(Vec2::new(x, y), Vec2::new(x + width, y + height), board);
            canvas.letters(
                rng,
                Vec2::new(x, y) + 0.2 * height,
                Vec2::new(x + width, y + 0.8 * height),
                ink,
            );
            x += width;
        }
        y += height;
    }
}

/// Hills, trunks, leaves, grass, rocks.
fn wood(rng: &mut ChaCha8Rng) -> Canvas {
    let mut canvas = Canvas::new(Vec3::splat(0.8));
    canvas.gradient(0.0, 0.7, Vec3::new(0.55, 0.70, 0.88), Vec3::splat(0.9));
    for layer in 0..rng.random_range(1..4) {
        let (base, swing, pitch, shift) = (
            0.3 + 0.2 * layer as f32,
            between(rng, 0.02, 0.15),
            between(rng, 2.0, 9.0),
            between(rng, 0.0, 6.0),
        );
        let green = near(rng, Vec3::new(0.32, 0.40, 0.22), 0.15);
        canvas.below(|x| base + swing * (pitch * x + shift).sin(), green);
    }
    for _ in 0..rng.random_range(2..8) {
        let (middle, reach) =
            (anywhere(rng), Vec2::new(between(rng, 0.1, 0.4), between(rng, 0.1, 0.4)));
        leaves(&mut canvas, rng, middle, reach, 150);
    }
    for _ in 0..rng.random_range(0..7) {
        let (x, lean) = (rng.random::<f32>(), between(rng, -0.1, 0.1));
        let bark = near(rng, Vec3::new(0.30, 0.24, 0.18), 0.12);
        canvas.line(Vec2::new(x, 0.0), Vec2::new(x + lean, 1.0), between(rng, 0.01, 0.09), bark);
    }
    for _ in 0..rng.random_range(0..6) {
        let at = Vec2::new(rng.random(), between(rng, 0.8, 1.0));
        canvas.ellipse(
            at,
            Vec2::new(between(rng, 0.04, 0.2), between(rng, 0.03, 0.1)),
            near(rng, Vec3::splat(0.5), 0.2),
        );
    }
    canvas
}

/// A sky, with a low horizon or none: sea, sand, roofs.
fn sky(rng: &mut ChaCha8Rng) -> Canvas {
    let blue = Vec3::new(0.25, 0.45, 0.8).lerp(Vec3::splat(0.8), rng.random());
    let dusk = near(rng, Vec3::new(0.9, 0.75, 0.6), 0.2);
    let mut canvas = Canvas::new(blue);
    canvas.gradient(0.0, 1.0, blue, if rng.random() { dusk } else { Vec3::splat(0.9) });
    let cloudy = between(rng, 0.0, 0.6);
    canvas.mottle(rng, 0.0, Vec2::new(3.0, 6.0), cloudy);
    if rng.random::<f32>() < 0.6 {
        let horizon = between(rng, 0.5, 0.95);
        let far = color(rng);
        canvas.gradient(horizon, 1.0, far, near(rng, far, 0.2));
        canvas.mottle(rng, horizon, Vec2::new(8.0, 40.0), 0.5);
        for _ in 0..rng.random_range(0..10) {
            let (x, width, height) =
                (rng.random::<f32>(), between(rng, 0.03, 0.2), between(rng, 0.02, 0.25));
            canvas.rectangle(
                Vec2::new(x, horizon - height),
                Vec2::new(x + width, horizon),
                far * between(rng, 0.3, 0.9),
            );
        }
    }
    canvas
}

/// Overlapping shapes of all sizes, few large and many small ones, as in photographs, where things
/// cover one another.
fn clutter(rng: &mut ChaCha8Rng) -> Canvas {
    let palette: Vec<Vec3> = (0..5).map(|_| color(rng)).collect();
    let mut canvas = Canvas::new(palette[0]);
    for _ in 0..500 {
        // Radii r with density r^-3.
        let radius = 0.012 / (1.0 - 0.996 * rng.random::<f32>()).sqrt();
        let base = palette[rng.random_range(0..5)];
        let (middle, paint) = (anywhere(rng), near(rng, base, 0.12));
        let size = Vec2::new(radius, radius * between(rng, 0.4, 1.6));
        match rng.random_range(0..3) {
            0 => canvas.ellipse(middle, size, paint),
            1 => canvas.rectangle(middle - size, middle + size, paint),
            _ => canvas.line(
                middle - size,
                middle + size * Vec2::new(1.0, between(rng, -1.0, 1.0)),
                radius * 0.4,
                paint,
            ),
        }
    }
    canvas
}

/// A gymnasium: wall panels, beams, ropes, mats, flags, people at the edge.
fn hall(rng: &mut ChaCha8Rng) -> Canvas {
    let wall = near(rng, Vec3::new(0.62, 0.52, 0.40), 0.25);
    let mut canvas = Canvas::new(wall);
    let panels = rng.random_range(2..12);
    for panel in 0..panels {
        let [low, high] = [panel, panel + 1].map(|edge| edge as f32 / panels as f32);
        canvas.rectangle(Vec2::new(low, 0.0), Vec2::new(high, 1.0), near(rng, wall, 0.05));
    }
    for _ in 0..rng.random_range(0..5) {
        let y = between(rng, 0.0, 0.5);
        canvas.line(
            Vec2::new(0.0, y),
            Vec2::new(1.0, y + between(rng, -0.15, 0.15)),
            between(rng, 0.01, 0.05),
            color(rng),
        );
    }
    for _ in 0..rng.random_range(0..6) {
        let low = anywhere(rng) * Vec2::new(1.0, 0.3);
        let size = Vec2::new(between(rng, 0.04, 0.12), between(rng, 0.06, 0.15));
        for stripe in 0..3 {
            let step = Vec2::new(size.x / 3.0, 0.0);
            let corner = low + step * stripe as f32;
            canvas.rectangle(corner, corner + step + Vec2::new(0.0, size.y), color(rng));
        }
    }
    for _ in 0..rng.random_range(0..4) {
        let (x, width) = (rng.random::<f32>(), between(rng, 0.1, 0.5));
        let top = between(rng, 0.7, 0.95);
        canvas.rectangle(Vec2::new(x, top), Vec2::new(x + width, 1.0), color(rng));
    }
    for _ in 0..rng.random_range(0..8) {
        let (feet, height) =
            (Vec2::new(rng.random(), between(rng, 0.85, 1.05)), between(rng, 0.15, 0.5));
        canvas.person(rng, feet, height);
    }
    canvas
}

/// A dark or plain background with a few lights, or a curtain.
fn stage(rng: &mut ChaCha8Rng) -> Canvas {
    let cloth = color(rng) * between(rng, 0.05, 0.9);
    let mut canvas = Canvas::new(cloth);
    canvas.gradient(0.0, 1.0, cloth, cloth * between(rng, 0.4, 1.4));
    if rng.random::<f32>() < 0.5 {
        let folds = rng.random_range(8..30);
        for fold in 0..folds {
            let x = fold as f32 / folds as f32;
            canvas.line(
                Vec2::new(x, 0.0),
                Vec2::new(x, 1.0),
                between(rng, 0.005, 0.02),
                cloth * between(rng, 0.5, 1.3),
            );
        }
    }
    for _ in 0..rng.random_range(0..12) {
        let at = anywhere(rng) * Vec2::new(1.0, 0.5);
        canvas.ellipse(
            at,
            Vec2::splat(between(rng, 0.005, 0.03)),
            near(rng, Vec3::splat(0.95), 0.2),
        );
    }
    canvas
}
