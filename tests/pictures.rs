//! Pictures are checked as pictures.

use marionette::{
    physics::Solvability,
    render::{RendererConfig, headless_app, render_samples},
    scene::{draw_at, load_scene},
};

#[test]
fn preview() {
    tracing_subscriber::fmt().with_env_filter("warn").init();
    let scene = load_scene("quickstart").unwrap();
    let config = RendererConfig { tiles: 64, width: 64, height: 64, threads: 2 };
    let (mut app, adapter) = headless_app(config).unwrap();
    println!("{adapter:?}");
    let judge = Solvability::new(scene.figure.clone());
    let t = std::time::Instant::now();
    let samples: Vec<_> = (0..64u64)
        .map(|i| {
            let h = (i / 16) as f32 / 3.0;
            judge.first_solvable(i, |a| draw_at(&scene, [h; 8], 1, i, a)).unwrap()
        })
        .collect();
    println!(
        "sampling {:?} ms each; rejections {:?}",
        t.elapsed().as_secs_f32() * 1e3 / 64.0,
        samples.iter().map(|s| s.rejections.len()).collect::<Vec<_>>()
    );
    for variant in 0..4 {
        let mut few = samples.clone();
        for s in &mut few {
            if variant >= 1 {
                s.degradation.blur = 0.0;
            }
            if variant >= 2 {
                s.degradation.block = 1;
            }
            if variant >= 3 {
                s.light.sun_color = Default::default();
                s.light.sun_direction = -s.light.sun_direction
            }
        }
        for _ in 0..2 {
            let t = std::time::Instant::now();
            render_samples(&mut app, config, &scene.figure, &few).unwrap();
            println!("rendering variant {variant} {:?}", t.elapsed());
        }
    }
    let t = std::time::Instant::now();
    let tiles = render_samples(&mut app, config, &scene.figure, &samples).unwrap();
    println!("rendering {:?}", t.elapsed());
    let mut sheet = image::RgbImage::new(16 * 130, 4 * 130);
    for (i, tile) in tiles.iter().enumerate() {
        for y in 0..128u32 {
            for x in 0..128u32 {
                let p = ((y / 2) * 64 + x / 2) as usize * 4;
                sheet.put_pixel(
                    (i as u32 % 16) * 130 + x,
                    (i as u32 / 16) * 130 + y,
                    image::Rgb([tile.color[p], tile.color[p + 1], tile.color[p + 2]]),
                );
            }
        }
    }
    sheet.save("/tmp/sheet.png").unwrap();
}
