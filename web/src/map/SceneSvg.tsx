import { Fragment } from 'react';
import { cx } from '../look/cx';
import type { MapPeer } from './graph';
import type { Label } from './labels';
import type { Place } from './layout';
import type { Scene } from './scene';
import styles from './SceneSvg.module.css';

const path = (points: readonly Place[]) =>
  points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join('');

const RADIUS = 6;

/** The dot of a peer: hollow when it is offline, cut where it shares its thread's colour. */
function Dot({ peer, at }: { peer: MapPeer; at: Place }) {
  const offline = peer.route === 'offline';
  return (
    <g transform={`translate(${at.x} ${at.y})`} data-peer={peer.id} data-route={peer.route} data-via={peer.via}>
      <circle
        r={offline ? RADIUS - 1 : RADIUS}
        className={offline ? styles.away : styles.dot}
        fill={offline ? undefined : peer.colour}
      />
      {!offline && peer.pattern === 1 && <path d={`M${-RADIUS} 0H${RADIUS}`} className={styles.cut} />}
      {!offline && peer.pattern === 2 && <path d={`M0 ${-RADIUS}V${RADIUS}`} className={styles.cut} />}
    </g>
  );
}

function Words({ name, note, label, away }: { name: string; note: string; label: Label; away: boolean }) {
  return (
    <>
      <text x={label.x} y={label.y} textAnchor={label.anchor} className={cx(styles.name, away && styles.quiet)}>
        {name}
      </text>
      <text x={label.x} y={label.y + 14} textAnchor={label.anchor} className={styles.note}>
        {note}
      </text>
    </>
  );
}

/** The scene as elements. It is drawn for the eye alone: `Probe` and the table say the same. */
export function SceneSvg({ scene, self }: { scene: Scene; self: string }) {
  return (
    <svg width={scene.width} height={scene.height} aria-hidden="true" className={styles.scene}>
      {scene.lines.map((line) => (
        <path
          key={line.key}
          d={path(line.points)}
          data-line={line.key}
          className={cx(styles.line, styles[line.route])}
          style={{ strokeWidth: line.width }}
        />
      ))}
      {scene.packets.map(({ key, points, seconds, colour }) => (
        <circle
          key={key}
          r="2.5"
          fill={colour}
          className={styles.packet}
          style={{ offsetPath: `path("${path(points)}")`, animationDuration: `${seconds}s` }}
        />
      ))}
      {scene.relays.map(({ relay, at, label }) => (
        <Fragment key={relay.id}>
          <rect
            x={at.x - 6}
            y={at.y - 6}
            width="12"
            height="12"
            transform={`rotate(45 ${at.x} ${at.y})`}
            className={styles.relay}
          />
          {label && <Words name={relay.name} note={relay.note} label={label} away={false} />}
        </Fragment>
      ))}
      {scene.peers.map(({ peer, at, label }) => (
        <Fragment key={peer.id}>
          <Dot peer={peer} at={at} />
          {label && <Words name={peer.name} note={peer.note} label={label} away={peer.route === 'offline'} />}
        </Fragment>
      ))}
      <circle cx={scene.self.x} cy={scene.self.y} r="15" className={styles.self} />
      <text x={scene.self.x} y={scene.self.y + 34} textAnchor="middle" className={styles.name}>
        {self}
      </text>
    </svg>
  );
}
