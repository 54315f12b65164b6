import { useMemo } from 'react';
import { encode } from 'uqr';
import styles from './Qr.module.css';

/** A QR code as one path. Black on white in both themes: cameras read nothing else well. */
export function Qr({ text, label }: { text: string; label: string }) {
  const { path, size } = useMemo(() => {
    const { data, size } = encode(text, { border: 2 });
    let path = '';
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) if (data[y]?.[x]) path += `M${x} ${y}h1v1h-1z`;
    }
    return { path, size };
  }, [text]);
  return (
    <svg
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={label}
      className={styles.qr}
      shapeRendering="crispEdges"
    >
      <rect width={size} height={size} className={styles.ground} />
      <path d={path} className={styles.dots} />
    </svg>
  );
}
