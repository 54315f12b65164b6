import styles from './Comparison.module.css';

export interface ComparisonProps {
  /** Peers to draw, this node among them: at most 6 are. */
  peers: number;
  server: { figure: string; words: string };
  swarm: { figure: string; words: string };
}

const MOST = 6;
const WIDTH = 240;
const HEIGHT = 130;
const MIDDLE = { x: WIDTH / 2, y: HEIGHT / 2 };

function ring(count: number) {
  return Array.from({ length: count }, (_, index) => {
    const angle = (index / count) * 2 * Math.PI;
    return { x: MIDDLE.x + Math.cos(angle) * 88, y: MIDDLE.y + Math.sin(angle) * 50 };
  });
}

/** The same bytes to the same people: all from one server's line, or passed on among themselves. A diagram, not a map. */
export function Comparison({ peers, server, swarm }: ComparisonProps) {
  const places = ring(Math.min(MOST, Math.max(2, peers)));
  return (
    <div className={styles.two}>
      <figure>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" className={styles.drawing}>
          {places.map(({ x, y }) => (
            <path key={`${x} ${y}`} d={`M${MIDDLE.x} ${MIDDLE.y}L${x} ${y}`} className={styles.spoke} />
          ))}
          <rect x={MIDDLE.x - 12} y={MIDDLE.y - 12} width="24" height="24" rx="4" className={styles.server} />
          {places.map(({ x, y }) => (
            <circle key={`${x} ${y}`} cx={x} cy={y} r="6" className={styles.client} />
          ))}
        </svg>
        <figcaption>
          <span className={styles.figure}>{server.figure}</span>
          <span className={styles.words}>{server.words}</span>
        </figcaption>
      </figure>
      <figure>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" className={styles.drawing}>
          {places.flatMap((a, i) =>
            places
              .slice(i + 1)
              .map((b, j) => <path key={`${i} ${j}`} d={`M${a.x} ${a.y}L${b.x} ${b.y}`} className={styles.thread} />),
          )}
          {places.map(({ x, y }) => (
            <circle key={`${x} ${y}`} cx={x} cy={y} r="6" className={styles.peer} />
          ))}
        </svg>
        <figcaption>
          <span className={styles.figure}>{swarm.figure}</span>
          <span className={styles.words}>{swarm.words}</span>
        </figcaption>
      </figure>
    </div>
  );
}
