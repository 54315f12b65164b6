/** An arc of the ring, in turns from the top. */
export interface Arc {
  address: string;
  from: number;
  to: number;
}

/** The ring's arcs: each as long as its power is of all. */
export function arcsOf(validators: readonly { address: string; power: number }[]): Arc[] {
  const total = validators.reduce((sum, { power }) => sum + power, 0);
  let at = 0;
  return validators.map(({ address, power }) => {
    const from = at;
    at += total > 0 ? power / total : 0;
    return { address, from, to: at };
  });
}

function point(turn: number, radius: number): [x: number, y: number] {
  const angle = (turn - 0.25) * 2 * Math.PI;
  return [Math.cos(angle) * radius, Math.sin(angle) * radius];
}

const round = (value: number) => String(Math.round(value * 100) / 100);

/** Where a label stands beyond an arc. */
export function labelAt({ from, to }: Arc, radius: number): { x: number; y: number } {
  const [x, y] = point((from + to) / 2, radius);
  return { x, y };
}

/** The outline of an arc between two radii, with `gap` pixels between neighbours; the whole ring if it is alone. */
export function outline({ from, to }: Arc, inner: number, outer: number, gap: number): string {
  if (to - from > 0.9999) return `${circle(outer)}${circle(inner)}`;
  const corner = (turn: number, radius: number, side: 1 | -1) => {
    const away = Math.min(gap / 2 / (2 * Math.PI * radius), (to - from) / 2.2);
    return point(turn + side * away, radius)
      .map(round)
      .join(' ');
  };
  const large = to - from > 0.5 ? 1 : 0;
  return (
    `M${corner(from, outer, 1)}A${outer} ${outer} 0 ${large} 1 ${corner(to, outer, -1)}` +
    `L${corner(to, inner, -1)}A${inner} ${inner} 0 ${large} 0 ${corner(from, inner, 1)}Z`
  );
}

function circle(radius: number): string {
  return `M0 ${-radius}A${radius} ${radius} 0 1 1 0 ${radius}A${radius} ${radius} 0 1 1 0 ${-radius}Z`;
}
