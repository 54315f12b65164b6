import { useId, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { Link } from 'wouter';
import styles from './Probe.module.css';
import type { PeerMark, Scene } from './scene';

/** How near the pointer must be to a peer. */
const REACH = 18;

/** Peers in the order of the clock, so that the arrow keys go around. */
function around(scene: Scene): PeerMark[] {
  const angle = ({ at }: PeerMark) =>
    (Math.atan2(at.x - scene.self.x, scene.self.y - at.y) + 2 * Math.PI) % (2 * Math.PI);
  return [...scene.peers].sort((a, b) => angle(a) - angle(b));
}

/**
 * What makes a map reachable: one link that stands on one peer at a time, led by the pointer or the arrow keys. The map
 * is one stop for the tab key, however many peers it has.
 */
export function Probe({ scene, label, hint }: { scene: Scene; label: string; hint: string }) {
  const hintId = useId();
  const [id, setId] = useState<string | null>(null);
  const order = around(scene);
  const index = Math.max(
    0,
    order.findIndex(({ peer }) => peer.id === id),
  );
  const mark = order[index];

  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best: string | null = null;
    let distance = REACH;
    for (const { peer, at } of scene.peers) {
      const far = Math.hypot(at.x - x, at.y - y);
      if (far >= distance) continue;
      best = peer.id;
      distance = far;
    }
    if (best !== null && best !== id) setId(best);
  };

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const to =
      event.key === 'Home'
        ? 0
        : event.key === 'End'
          ? order.length - 1
          : step && (index + step + order.length) % order.length;
    const next = to === undefined ? undefined : order[to];
    if (!next) return;
    event.preventDefault();
    setId(next.peer.id);
  };

  return (
    <div
      role="group"
      aria-label={label}
      aria-describedby={hintId}
      className={styles.field}
      onPointerMove={onPointerMove}
      onKeyDown={onKeyDown}
    >
      <span id={hintId} hidden>
        {hint}
      </span>
      {mark && (
        <Link
          href={mark.peer.to}
          aria-label={`${mark.peer.name}, ${mark.peer.note}`}
          className={styles.probe}
          style={{ left: mark.at.x, top: mark.at.y }}
        >
          {!mark.label && (
            <span className={styles.tip} data-side={mark.at.x > scene.width / 2 ? 'left' : 'right'}>
              <b>{mark.peer.name}</b>
              <span>{mark.peer.note}</span>
            </span>
          )}
        </Link>
      )}
    </div>
  );
}
