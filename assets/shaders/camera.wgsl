// What the camera does to a finished tile: low resolution, blur, what is out of focus, motion, darker corners, tone, noise. Reads the
// colours and depths that `tile.wgsl` drew and never looks beyond its own tile.

@group(0) @binding(1) var drawn: texture_2d<f32>;
@group(0) @binding(2) var depths: texture_2d<f32>;

// Steps to either side of a pixel, at most: a wide blur goes in larger steps instead.
const STEPS: i32 = 6;

fn srgb(linear: vec3<f32>) -> vec3<f32> {
    let c = clamp(linear, vec3(0.0), vec3(1.0));
    return select(1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, 12.92 * c, c <= vec3(0.0031308));
}

fn linear(encoded: vec3<f32>) -> vec3<f32> {
    let c = clamp(encoded, vec3(0.0), vec3(1.0));
    return select(pow((c + 0.055) / 1.055, vec3(2.4)), c / 12.92, c <= vec3(0.04045));
}

// Variance in pixels of what is `depth` metres away.
fn unfocused(lens: vec4<f32>, depth: f32) -> f32 {
    let deviation = min(lens.x * abs(1.0 - lens.y / depth), 2.0 * lens.x);
    return deviation * deviation;
}

// What the camera makes of linear light: contrast about middle grey, saturation, and highlights that are pressed together instead of
// being cut off.
fn toned(light: vec3<f32>) -> vec3<f32> {
    let grey = 0.18;
    let curved = grey * pow(max(light, vec3(0.0)) / grey, vec3(tile.tone.x));
    let brightness = dot(curved, vec3(0.2126, 0.7152, 0.0722));
    let color = max(mix(vec3(brightness), curved, tile.tone.y), vec3(0.0));
    let shoulder = max(tile.tone.z, 1e-4);
    let over = max(color - (1.0 - shoulder), vec3(0.0));
    return min(color, vec3(1.0 - shoulder)) + shoulder * (1.0 - exp(-over / shoulder));
}

@fragment
fn camera_fragment(in: TileVertex) -> @location(0) vec4<f32> {
    let place = tile.place;
    let post = in.post;
    let pixel = vec2<i32>(in.position.xy) - vec2<i32>(place.xy);
    // A coarse picture's pixel gathers light over its whole block: like a blur whose variance is that of the block, seen
    // from the block's middle.
    let block = max(post.z, 1.0);
    let corner = floor(vec2<f32>(pixel) / block) * block;
    let centre = vec2<i32>(corner + (block - 1.0) * 0.5 + 0.25);
    let motion = in.motion.xy;
    let moved = dot(motion, motion);
    // A line as thin as a pixel would pass between the pixels beside it.
    let variance = post.x * post.x + (block * block - 1.0) / 12.0 + 0.2 * min(moved, 1.0);
    let lens = in.lens;
    let depth = textureLoad(depths, vec2<i32>(place.xy) + centre, 0).x;
    let widest = variance + unfocused(lens, depth);
    let reach = i32(ceil(2.0 * sqrt(widest + moved) - 0.2));
    let step = 1 + max(reach - 1, 0) / STEPS;
    let steps = reach / step;
    let last = vec2<i32>(place.zw) - 1;
    var color = vec3(0.0);
    var total = 0.0;
    for (var y = -steps; y <= steps; y++) {
        for (var x = -steps; x <= steps; x++) {
            let offset = vec2(x, y) * step;
            let from_pixel = vec2<i32>(place.xy) + clamp(centre + offset, vec2(0), last);
            // Of two places the nearer decides: a sharp figure neither takes up a blurred wall's light nor gives it any.
            let nearer = min(depth, textureLoad(depths, from_pixel, 0).x);
            let spread = max(variance + unfocused(lens, nearer), 0.02);
            let d = vec2<f32>(offset);
            let along = dot(d, motion);
            let weight = exp(-0.5 * (dot(d, d) - along * along / (spread + moved)) / spread) / spread;
            total += weight;
            color += weight * textureLoad(drawn, from_pixel, 0).rgb;
        }
    }
    color /= total;
    let from_middle = (vec2<f32>(pixel) + 0.5) / vec2<f32>(place.zw) - 0.5;
    color *= 1.0 - 2.0 * lens.z * dot(from_middle, from_middle);
    color = toned(color);
    // The sum of four even numbers is close to a normal; its deviation is 1 / sqrt(3).
    let seed = u32(post.w);
    var grain = vec3(0.0);
    for (var k = 0u; k < 4u; k++) {
        let at = vec3<u32>(vec2<u32>(pixel), seed + k);
        grain += vec3(hash(at), hash(at + vec3(0u, 0u, 101u)), hash(at + vec3(0u, 0u, 211u))) - 0.5;
    }
    grain *= 1.732;
    // Light comes in grains too, and their number deviates by its root.
    color += lens.w * sqrt(max(color, vec3(0.0))) * grain.yzx;
    return vec4(linear(srgb(color) + grain * post.y), 1.0);
}
