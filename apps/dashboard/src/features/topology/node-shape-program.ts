import { NodeProgram, type ProgramInfo } from 'sigma/rendering';
import type { NodeDisplayData, RenderParams } from 'sigma/types';
import { floatColor } from 'sigma/utils';

/** What a node's program needs beyond sigma's own attributes. */
export interface ShapeAttributes {
  /** 0 disc, 1 diamond, 2 triangle, 3 ring, 4 cross. */
  readonly shape: number;
  /** Drawn around the shape, so that links do not run into it. */
  readonly rim: string;
}

const vertexShader = /* glsl */ `
attribute vec4 a_id;
attribute vec4 a_color;
attribute vec4 a_rim;
attribute vec2 a_position;
attribute float a_size;
attribute float a_shape;
attribute float a_angle;
uniform mat3 u_matrix;
uniform float u_sizeRatio;
uniform float u_correctionRatio;
varying vec4 v_color;
varying vec4 v_rim;
varying vec2 v_point;
varying float v_shape;
varying float v_pixel;
const float bias = 255.0 / 254.0;

void main() {
  // One triangle whose inscribed circle is the node and its rim.
  float size = a_size * u_correctionRatio / u_sizeRatio * 4.0;
  vec2 corner = size * vec2(cos(a_angle), sin(a_angle));
  gl_Position = vec4((u_matrix * vec3(a_position + corner, 1)).xy, 0, 1);
  v_point = corner / (size / 2.0) * 1.3;
  v_pixel = 1.3 * u_correctionRatio * 2.0 / (size / 2.0);
  v_shape = a_shape;
  v_rim = a_rim;
  #ifdef PICKING_MODE
  v_color = a_id;
  #else
  v_color = a_color;
  #endif
  v_color.a *= bias;
}`;

const fragmentShader = /* glsl */ `
precision highp float;
varying vec4 v_color;
varying vec4 v_rim;
varying vec2 v_point;
varying float v_shape;
varying float v_pixel;

// Distance to the shape's outline in node radii, negative inside.
float outline(vec2 p) {
  if (v_shape < 0.5) return length(p) - 1.0;
  if (v_shape < 1.5) return (abs(p.x) + abs(p.y) - 1.2) * 0.7071;
  if (v_shape < 2.5) return max(abs(p.x) * 0.866 + p.y * 0.5, -p.y) - 0.58;
  if (v_shape < 3.5) return abs(length(p) - 0.76) - 0.24;
  vec2 q = vec2(p.x + p.y, p.x - p.y) * 0.7071;
  return max(min(abs(q.x), abs(q.y)) - 0.24, max(abs(q.x), abs(q.y)) - 1.0);
}

void main(void) {
  #ifdef PICKING_MODE
  if (length(v_point) > 1.2) discard;
  gl_FragColor = v_color;
  #else
  float d = outline(v_point);
  float inside = 1.0 - smoothstep(-v_pixel * 0.5, v_pixel * 0.5, d);
  float rim = v_shape > 3.5 ? 0.0 : 1.0 - smoothstep(0.2 - v_pixel * 0.5, 0.2 + v_pixel * 0.5, d);
  vec4 under = vec4(v_rim.rgb, 1.0) * rim;
  gl_FragColor = mix(under, vec4(v_color.rgb, 1.0), inside);
  #endif
}`;

const { UNSIGNED_BYTE, FLOAT, TRIANGLES } = WebGLRenderingContext;

/** Draws every peer in one call; its health decides the shape as well as the colour. */
export class NodeShapeProgram extends NodeProgram<'u_sizeRatio' | 'u_correctionRatio' | 'u_matrix'> {
  override getDefinition() {
    return {
      VERTICES: 3,
      VERTEX_SHADER_SOURCE: vertexShader,
      FRAGMENT_SHADER_SOURCE: fragmentShader,
      METHOD: TRIANGLES,
      UNIFORMS: ['u_sizeRatio', 'u_correctionRatio', 'u_matrix'] as const,
      ATTRIBUTES: [
        { name: 'a_position', size: 2, type: FLOAT },
        { name: 'a_size', size: 1, type: FLOAT },
        { name: 'a_color', size: 4, type: UNSIGNED_BYTE, normalized: true },
        { name: 'a_rim', size: 4, type: UNSIGNED_BYTE, normalized: true },
        { name: 'a_shape', size: 1, type: FLOAT },
        { name: 'a_id', size: 4, type: UNSIGNED_BYTE, normalized: true },
      ],
      CONSTANT_ATTRIBUTES: [{ name: 'a_angle', size: 1, type: FLOAT }],
      CONSTANT_DATA: [[0], [(2 * Math.PI) / 3], [(4 * Math.PI) / 3]],
    };
  }

  override processVisibleItem(nodeIndex: number, startIndex: number, data: NodeDisplayData): void {
    const { shape = 0, rim = data.color } = data as NodeDisplayData & Partial<ShapeAttributes>;
    const { array } = this;
    array[startIndex] = data.x;
    array[startIndex + 1] = data.y;
    array[startIndex + 2] = data.size;
    array[startIndex + 3] = floatColor(data.color);
    array[startIndex + 4] = floatColor(rim);
    array[startIndex + 5] = shape;
    array[startIndex + 6] = nodeIndex;
  }

  override setUniforms(params: RenderParams, { gl, uniformLocations }: ProgramInfo): void {
    gl.uniform1f(uniformLocations.u_correctionRatio ?? null, params.correctionRatio);
    gl.uniform1f(uniformLocations.u_sizeRatio ?? null, params.sizeRatio);
    gl.uniformMatrix3fv(uniformLocations.u_matrix ?? null, false, params.matrix);
  }
}
