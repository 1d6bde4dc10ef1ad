// Signed distances: negative inside, in the units of the coordinates.

export function circle(x: number, y: number, radius: number): number {
  return Math.hypot(x, y) - radius;
}

/** Exact on the axes, close enough for one pixel of smoothing. */
export function ellipse(x: number, y: number, rx: number, ry: number): number {
  const k = Math.hypot(x / rx, y / ry);
  return (k * (k - 1)) / Math.max(1e-6, Math.hypot(x / rx ** 2, y / ry ** 2));
}

/** A rectangle around the origin, its corners rounded by `corner`. */
export function box(x: number, y: number, halfWidth: number, halfHeight: number, corner = 0): number {
  const dx = Math.abs(x) - halfWidth + corner;
  const dy = Math.abs(y) - halfHeight + corner;
  return Math.hypot(Math.max(0, dx), Math.max(0, dy)) + Math.min(0, Math.max(dx, dy)) - corner;
}

/** A regular polygon with a corner at the top; with `star` < 1 a star whose inner radius is that share of the outer. */
export function polygon(x: number, y: number, corners: number, radius: number, star = 1): number {
  const sector = Math.PI / corners;
  const turn = Math.atan2(x, -y) % (2 * sector);
  const folded = Math.abs((turn < 0 ? turn + 2 * sector : turn) - sector);
  const r = Math.hypot(x, y);
  const [px, py] = [r * Math.cos(sector - folded), r * Math.sin(sector - folded)];
  const inner = radius * (star < 1 ? star : Math.cos(sector));
  const [ex, ey] = [inner * Math.cos(sector) - radius, inner * Math.sin(sector)];
  return ((px - radius) * ey - py * ex) / Math.max(1e-6, Math.hypot(ex, ey));
}
