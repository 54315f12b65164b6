import { useMemo, useRef, useState } from 'react';
import { useWidth } from '../weave/useWidth';
import type { Connections } from './graph';
import { Layout } from './layout';
import { Probe } from './Probe';
import { compose } from './scene';
import { SceneCanvas } from './SceneCanvas';
import { SceneSvg } from './SceneSvg';
import styles from './Topology.module.css';

/** From here on the map is painted instead of built: so many elements would be slow. */
const MOST_ELEMENTS = 300;
const HEIGHT = 300;
const HEIGHT_CROWDED = 460;

export interface TopologyProps {
  connections: Connections;
  /** What the map is of, and how many it shows: read instead of it. */
  label: string;
  /** How to walk it by keyboard. */
  hint: string;
  /** The word for this node. */
  self: string;
}

/**
 * This node in the middle of those it is connected to. Solid lines are direct, dashed ones go through a relay's diamond,
 * dotted ones through a circuit; who is hollow is offline. Places stay: newcomers find theirs between the others.
 */
export function Topology({ connections, label, hint, self }: TopologyProps) {
  const ref = useRef<HTMLDivElement>(null);
  const width = useWidth(ref);
  const [layout] = useState(() => new Layout());
  const crowded = connections.peers.length > 60;
  const height = crowded ? HEIGHT_CROWDED : HEIGHT;
  const scene = useMemo(
    () => (width > 0 ? compose(connections, layout, width, height) : null),
    [connections, layout, width, height],
  );
  const Draw = connections.peers.length > MOST_ELEMENTS ? SceneCanvas : SceneSvg;
  return (
    <div ref={ref} className={styles.map} style={{ height }}>
      {scene && <Draw scene={scene} self={self} />}
      {scene && <Probe scene={scene} label={label} hint={hint} />}
    </div>
  );
}
