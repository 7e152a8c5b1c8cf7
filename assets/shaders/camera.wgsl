// What the camera does to a finished tile: low resolution, blur, read noise. Reads the colours that `tile.wgsl` drew and
// never looks beyond its own tile.

@group(0) @binding(1) var drawn: texture_2d<f32>;

fn srgb(linear: vec3<f32>) -> vec3<f32> {
    let c = clamp(linear, vec3(0.0), vec3(1.0));
    return select(1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, 12.92 * c, c <= vec3(0.0031308));
}

fn linear(encoded: vec3<f32>) -> vec3<f32> {
    let c = clamp(encoded, vec3(0.0), vec3(1.0));
    return select(pow((c + 0.055) / 1.055, vec3(2.4)), c / 12.92, c <= vec3(0.04045));
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
    let variance = post.x * post.x + (block * block - 1.0) / 12.0;
    let reach = i32(ceil(2.0 * sqrt(variance) - 0.2));
    let falloff = -0.5 / max(variance, 1e-4);
    let last = vec2<i32>(place.zw) - 1;
    var color = vec3(0.0);
    var total = 0.0;
    for (var dy = -reach; dy <= reach; dy++) {
        for (var dx = -reach; dx <= reach; dx++) {
            let weight = exp(f32(dx * dx + dy * dy) * falloff);
            let from_pixel = clamp(centre + vec2(dx, dy), vec2(0), last);
            total += weight;
            color += weight * textureLoad(drawn, vec2<i32>(place.xy) + from_pixel, 0).rgb;
        }
    }
    color /= total;
    // The sum of four even numbers is close to a normal; its deviation is 1 / sqrt(3).
    let seed = u32(post.w);
    var grain = vec3(0.0);
    for (var k = 0u; k < 4u; k++) {
        let at = vec3<u32>(vec2<u32>(pixel), seed + k);
        grain += vec3(hash(at), hash(at + vec3(0u, 0u, 101u)), hash(at + vec3(0u, 0u, 211u))) - 0.5;
    }
    return vec4(linear(srgb(color) + grain * 1.732 * post.y), 1.0);
}
