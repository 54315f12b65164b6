import { useEffect, useRef } from 'react';
import { useThemeTick } from '../weave/palette';
import { lessMotion } from '../weave/motion';
import type { Place } from './layout';
import type { Line, Packet, Scene } from './scene';
import styles from './SceneSvg.module.css';

/** Turns `var(--t3)` into what a canvas understands, by the theme where the element stands. */
function dyer(element: Element): (colour: string) => string {
  const style = getComputedStyle(element);
  const known = new Map<string, string>();
  return (colour) => {
    const name = /^var\((--[\w-]+)\)$/.exec(colour)?.[1];
    if (!name) return colour;
    let value = known.get(name);
    if (value === undefined) {
      value = style.getPropertyValue(name).trim() || 'gray';
      known.set(name, value);
    }
    return value;
  };
}

const DASHES: Record<Line['route'], number[]> = {
  direct: [],
  'to-relay': [],
  relayed: [6, 5],
  circuit: [1, 5],
  offline: [],
};

function trace(pen: CanvasRenderingContext2D, points: readonly Place[]) {
  pen.beginPath();
  points.forEach(({ x, y }, index) => (index === 0 ? pen.moveTo(x, y) : pen.lineTo(x, y)));
}

function paint(
  pen: CanvasRenderingContext2D,
  scene: Scene,
  self: string,
  dye: (colour: string) => string,
  font: string,
) {
  pen.clearRect(0, 0, scene.width, scene.height);
  for (const line of scene.lines) {
    pen.setLineDash(DASHES[line.route]);
    pen.lineCap = line.route === 'circuit' ? 'round' : 'butt';
    pen.lineWidth = line.width;
    pen.globalAlpha = line.route === 'relayed' ? 0.8 : 0.3;
    pen.strokeStyle = dye(line.route === 'relayed' ? 'var(--warn)' : 'var(--accent)');
    trace(pen, line.points);
    pen.stroke();
  }
  pen.setLineDash([]);
  pen.globalAlpha = 1;
  pen.lineWidth = 1.5;
  for (const { peer, at } of scene.peers) {
    const offline = peer.route === 'offline';
    pen.beginPath();
    pen.arc(at.x, at.y, 4.5, 0, 2 * Math.PI);
    pen.fillStyle = dye(offline ? 'var(--surface)' : peer.colour);
    pen.strokeStyle = dye(offline ? 'var(--mark)' : 'var(--surface)');
    pen.fill();
    pen.stroke();
    if (offline || peer.pattern === 0) continue;
    trace(
      pen,
      peer.pattern === 1
        ? [
            { x: at.x - 4, y: at.y },
            { x: at.x + 4, y: at.y },
          ]
        : [
            { x: at.x, y: at.y - 4 },
            { x: at.x, y: at.y + 4 },
          ],
    );
    pen.stroke();
  }
  for (const { at } of scene.relays) {
    trace(pen, [
      { x: at.x, y: at.y - 8 },
      { x: at.x + 8, y: at.y },
      { x: at.x, y: at.y + 8 },
      { x: at.x - 8, y: at.y },
    ]);
    pen.closePath();
    pen.fillStyle = dye('var(--surface)');
    pen.strokeStyle = dye('var(--warn)');
    pen.lineWidth = 2;
    pen.fill();
    pen.stroke();
  }
  pen.beginPath();
  pen.arc(scene.self.x, scene.self.y, 15, 0, 2 * Math.PI);
  pen.fillStyle = dye('var(--accent)');
  pen.fill();
  pen.lineJoin = 'round';
  pen.lineWidth = 3;
  pen.strokeStyle = dye('var(--surface)');
  const write = (text: string, x: number, y: number, align: CanvasTextAlign, colour: string, style: string) => {
    pen.font = `${style} ${font}`;
    pen.textAlign = align;
    pen.fillStyle = dye(colour);
    pen.strokeText(text, x, y);
    pen.fillText(text, x, y);
  };
  write(self, scene.self.x, scene.self.y + 34, 'center', 'var(--ink)', '550 12px');
  for (const mark of [...scene.relays, ...scene.peers]) {
    if (!mark.label) continue;
    const { name, note } = 'peer' in mark ? mark.peer : mark.relay;
    const align = mark.label.anchor === 'middle' ? 'center' : mark.label.anchor;
    write(name, mark.label.x, mark.label.y, align, 'var(--ink)', '550 12px');
    write(note, mark.label.x, mark.label.y + 14, align, 'var(--ink2)', '11px');
  }
}

/** A point part of the way along a line. */
function along(points: readonly Place[], part: number): Place {
  const legs = points.slice(1).map((to, index) => {
    const from = points[index] ?? to;
    return { from, to, length: Math.hypot(to.x - from.x, to.y - from.y) };
  });
  let left = part * legs.reduce((sum, leg) => sum + leg.length, 0);
  for (const { from, to, length } of legs) {
    if (left <= length) {
      const share = length === 0 ? 0 : left / length;
      return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
    }
    left -= length;
  }
  return points[points.length - 1] ?? { x: 0, y: 0 };
}

function sharp(canvas: HTMLCanvasElement | null, width: number, height: number): CanvasRenderingContext2D | null {
  const pen = canvas?.getContext('2d') ?? null;
  if (!canvas || !pen) return null;
  const scale = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  return pen;
}

/** The scene painted: for more peers than a page can hold as elements. Packets have a canvas of their own, above. */
export function SceneCanvas({ scene, self }: { scene: Scene; self: string }) {
  const ground = useRef<HTMLCanvasElement>(null);
  const air = useRef<HTMLCanvasElement>(null);
  const theme = useThemeTick();
  useEffect(() => {
    const canvas = ground.current;
    const pen = sharp(canvas, scene.width, scene.height);
    if (canvas && pen) paint(pen, scene, self, dyer(canvas), getComputedStyle(canvas).fontFamily);
  }, [scene, self, theme]);

  useEffect(() => {
    const canvas = air.current;
    const pen = sharp(canvas, scene.width, scene.height);
    if (!canvas || !pen) return;
    pen.clearRect(0, 0, scene.width, scene.height);
    if (scene.packets.length === 0 || lessMotion()) return;
    const dye = dyer(canvas);
    const draw = (packet: Packet, now: number) => {
      const { x, y } = along(packet.points, (now / 1000 / packet.seconds) % 1);
      pen.beginPath();
      pen.arc(x, y, 2.5, 0, 2 * Math.PI);
      pen.fillStyle = dye(packet.colour);
      pen.fill();
    };
    let frame = requestAnimationFrame(function step(now) {
      pen.clearRect(0, 0, scene.width, scene.height);
      for (const packet of scene.packets) draw(packet, now);
      frame = requestAnimationFrame(step);
    });
    return () => cancelAnimationFrame(frame);
  }, [scene, theme]);

  const size = { width: scene.width, height: scene.height };
  return (
    <>
      <canvas ref={ground} aria-hidden="true" className={styles.scene} style={size} />
      <canvas ref={air} aria-hidden="true" className={styles.scene} style={size} />
    </>
  );
}
