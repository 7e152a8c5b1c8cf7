// What the camera does to a finished tile: low resolution, blur, focus, motion, darker corners,
// tone, noise. It reads the light and depth that were drawn and never looks beyond its own tile.
//
// The whole blur is one Gaussian. Its covariance is `spread` times the unit matrix plus the
// covariance of the motion. It splits into two passes of a line each, instead of one pass of a
// square: first along the longer side of the motion, on a line that may lean, then the rest along
// the other side.
//
// Tiles that are blurred widely have light for only one in so many pixels; it is interpolated in
// between: see `crates/marionette-render/src/blur.rs`. A coarse picture shows each block as its
// middle.

// Light, and depth in metres.
@group(1) @binding(0) var drawn: texture_2d<f32>;

// A corner of a whole tile, with the numbers of the tile that the camera needs.
struct TileVertex {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(flat) post: vec4<f32>,
    @location(1) @interpolate(flat) lens: vec4<f32>,
    @location(2) @interpolate(flat) motion: vec4<f32>,
    @location(3) @interpolate(flat) tone: vec4<f32>,
    @location(4) @interpolate(flat) place: vec4<u32>,
    @location(5) @interpolate(flat) picture: vec4<u32>,
};

@vertex
fn tile_vertex(@builtin(vertex_index) corner: u32) -> TileVertex {
    tile = uploaded;
    return TileVertex(corner_of_tile(corner), tile.post, tile.lens, tile.motion, tile.tone, tile.place, tile.picture);
}

fn set_tile(in: TileVertex) {
    tile.post = in.post;
    tile.lens = in.lens;
    tile.motion = in.motion;
    tile.tone = in.tone;
    tile.place = in.place;
    tile.picture = in.picture;
}

// Steps to either side of a pixel, at most. A wider blur takes larger steps.
const STEPS: i32 = 6;

// 2 to the power of `x`, and below it the logarithm to base 2. They are right within some
// millionths and the same on every driver. Each takes ten operations; Mesa's software driver takes
// many more, for cases that never come here. `x` is at least -126; for the logarithm it is above 0.
fn power_of_two(x: vec3<f32>) -> vec3<f32> {
    let whole = floor(x + 0.5);
    let f = x - whole;
    let part = 1.0 + f * (0.6931472 + f * (0.2402265 + f * (0.0555041 + f * (0.0096181 + f * 0.0013334))));
    return bitcast<vec3<f32>>(bitcast<vec3<i32>>(part) + (vec3<i32>(whole) << vec3(23u)));
}

fn logarithm(x: vec3<f32>) -> vec3<f32> {
    // x = m 2^e, m from the root of a half to that of 2; ln m = 2 artanh((m - 1) / (m + 1)).
    let bits = bitcast<vec3<i32>>(x) - vec3(0x3f3504f3);
    let m = bitcast<vec3<f32>>((bits & vec3(0x7fffff)) + vec3(0x3f3504f3));
    let z = (m - 1.0) / (m + 1.0);
    let zz = z * z;
    return vec3<f32>(bits >> vec3(23u)) + z * (2.8853901 + zz * (0.9617967 + zz * 0.5770780));
}

// `x` to the power of `y`; `x` is not below 0.
fn power(x: vec3<f32>, y: f32) -> vec3<f32> {
    return power_of_two(max(y * logarithm(x), vec3(-126.0)));
}

fn srgb(linear: vec3<f32>) -> vec3<f32> {
    let c = clamp(linear, vec3(0.0), vec3(1.0));
    return select(1.055 * power(c, 1.0 / 2.4) - 0.055, 12.92 * c, c <= vec3(0.0031308));
}

// What the camera makes of linear light: contrast around middle grey, saturation, and highlights
// that are compressed instead of cut off.
fn toned(light: vec3<f32>) -> vec3<f32> {
    let grey = 0.18;
    let curved = grey * power(max(light, vec3(0.0)) / grey, tile.tone.x);
    let brightness = dot(curved, vec3(0.2126, 0.7152, 0.0722));
    let color = max(mix(vec3(brightness), curved, tile.tone.y), vec3(0.0));
    let shoulder = max(tile.tone.z, 1e-4);
    let over = max(color - (1.0 - shoulder), vec3(0.0));
    return min(color, vec3(1.0 - shoulder)) + shoulder * (1.0 - power_of_two(max(over * (-1.442695 / shoulder), vec3(-126.0))));
}

// Variance in pixels, without the motion, of the blur of a place `depth` metres away.
fn spread(depth: f32) -> f32 {
    let moved = min(dot(tile.motion.xy, tile.motion.xy), 1.0);
    let unfocused = min(tile.lens.x * abs(1.0 - tile.lens.y / depth), 2.0 * tile.lens.x);
    // A line as thin as a pixel would pass between the pixels beside it.
    return max(tile.post.x * tile.post.x + 0.2 * moved + unfocused * unfocused, 0.02);
}

// `n / by` without a remainder; neither is below 0. Most processors divide integers one at a time,
// so it divides floats.
fn whole_part(n: vec2<i32>, by: f32) -> vec2<i32> {
    return vec2<i32>((vec2<f32>(n) + 0.5) / by);
}

// The light along a line through `centre`, which shows a place `depth` metres away. It is weighted
// by a Gaussian. The variance at each place is its `spread` times `share` plus `motion`.
fn gathered(centre: vec2<i32>, depth: f32, direction: vec2<f32>, share: f32, motion: f32) -> vec3<f32> {
    let corner = vec2<i32>(tile.place.xy);
    let last = vec2<i32>(tile.place.zw) - 1;
    let reach = i32(ceil(2.0 * sqrt(spread(depth) * share + motion) - 0.2));
    let step = 1 + max(reach - 1, 0) / STEPS;
    let steps = whole_part(vec2(reach), f32(step)).x;
    var color = vec3(0.0);
    var total = 0.0;
    for (var k = -steps; k <= steps; k++) {
        let d = f32(k * step);
        let place = clamp(centre + vec2<i32>(floor(d * direction + 0.5)), vec2(0), last);
        let there = textureLoad(drawn, corner + place, 0);
        // The nearer of the two places decides. So a sharp figure takes no light from a blurred
        // wall and gives it none.
        let variance = spread(min(depth, there.a)) * share + motion;
        let weight = power_of_two(vec3(max(-0.7213475 * d * d / variance, -126.0))).x * inverseSqrt(variance);
        total += weight;
        color += weight * there.rgb;
    }
    return color / total;
}

// The motion, its longer side first.
fn sorted_motion() -> vec3<f32> {
    let m = tile.motion.xy;
    let swapped = abs(m.y) > abs(m.x);
    return vec3(select(m, m.yx, swapped), select(0.0, 1.0, swapped));
}

@fragment
fn first_fragment(in: TileVertex) -> @location(0) vec4<f32> {
    set_tile(in);
    let at = vec2<i32>(in.position.xy) - vec2<i32>(tile.place.xy);
    let motion = sorted_motion();
    let depth = textureLoad(drawn, vec2<i32>(in.position.xy), 0).a;
    let lean = motion.x * motion.y / (spread(depth) + motion.x * motion.x);
    let direction = select(vec2(1.0, lean), vec2(lean, 1.0), motion.z > 0.5);
    return vec4(gathered(at, depth, direction, 1.0, motion.x * motion.x), depth);
}

// The second half of the blur; `drawn` is the first half.
fn second_half(position: vec2<f32>) -> vec4<f32> {
    let at = vec2<i32>(position) - vec2<i32>(tile.place.xy);
    let motion = sorted_motion();
    let depth = textureLoad(drawn, vec2<i32>(position), 0).a;
    let variance = spread(depth);
    let share = 1.0 + motion.y * motion.y / (variance + motion.x * motion.x);
    let direction = select(vec2(0.0, 1.0), vec2(1.0, 0.0), motion.z > 0.5);
    return vec4(gathered(at, depth, direction, share, 0.0), depth);
}

@fragment
fn second_fragment(in: TileVertex) -> @location(0) vec4<f32> {
    set_tile(in);
    return second_half(in.position.xy);
}

// A soft tile; `drawn` is the first half of its blur.
@fragment
fn soft_fragment(in: TileVertex) -> @location(0) vec4<f32> {
    set_tile(in);
    let pixel = vec2<i32>(in.position.xy) - vec2<i32>(tile.picture.xy);
    return developed(second_half(in.position.xy).rgb, pixel);
}

@fragment
fn sharp_fragment(in: TileVertex) -> @location(0) vec4<f32> {
    set_tile(in);
    let pixel = vec2<i32>(in.position.xy) - vec2<i32>(tile.picture.xy);
    return developed(textureLoad(drawn, vec2<i32>(in.position.xy), 0).rgb, pixel);
}

// A wide tile: interpolates between the four places of the view around each pixel, or around the
// middle of its block.
@fragment
fn wide_fragment(in: TileVertex) -> @location(0) vec4<f32> {
    set_tile(in);
    let pixel = vec2<i32>(in.position.xy) - vec2<i32>(tile.picture.xy);
    let middle = (vec2<f32>(whole_part(pixel, tile.post.z)) + 0.5) * tile.post.z;
    let last = vec2<f32>(tile.place.zw) - 1.0;
    let at = clamp(middle / tile.motion.z - 0.5, vec2(0.0), last);
    let low = vec2<i32>(at);
    let high = min(low + 1, vec2<i32>(last));
    let between = at - vec2<f32>(low);
    let corner = vec2<i32>(tile.place.xy);
    let above = mix(textureLoad(drawn, corner + low, 0).rgb, textureLoad(drawn, corner + vec2(high.x, low.y), 0).rgb, between.x);
    let below = mix(textureLoad(drawn, corner + vec2(low.x, high.y), 0).rgb, textureLoad(drawn, corner + high, 0).rgb, between.x);
    return developed(mix(above, below, between.y), pixel);
}

// Close to a normal distribution of mean 0 and deviation 1: the sum of four evenly distributed
// numbers, the bytes of one hash. The deviation of the sum is sqrt((256^2 - 1) / 3).
fn normal_like(n: vec3<u32>) -> f32 {
    let x = vec4(hashed(n)) >> vec4(0u, 8u, 16u, 24u) & vec4(255u);
    return (f32(x.x + x.y + x.z + x.w) - 510.0) / 147.80;
}

// The sRGB colour that the camera makes of the light at a pixel.
fn developed(light: vec3<f32>, pixel: vec2<i32>) -> vec4<f32> {
    let from_middle = (vec2<f32>(pixel) + 0.5) / vec2<f32>(tile.picture.zw) - 0.5;
    var color = toned(light * (1.0 - 2.0 * tile.lens.z * dot(from_middle, from_middle)));
    let at = vec3<u32>(vec2<u32>(pixel), u32(tile.post.w));
    let grain = vec3(normal_like(at), normal_like(at + vec3(0u, 0u, 101u)), normal_like(at + vec3(0u, 0u, 211u)));
    // Shot noise: light comes in grains, and the deviation of their number is its square root.
    color += tile.lens.w * sqrt(max(color, vec3(0.0))) * grain.yzx;
    return vec4(srgb(color) + grain * tile.post.y, 1.0);
}
