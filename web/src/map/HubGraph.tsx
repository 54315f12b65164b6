import { useMemo, useRef } from 'react';
import { Link } from 'wouter';
import { cx } from '../look/cx';
import { useWidth } from '../weave/useWidth';
import { DoingMark } from './DoingSign';
import { arrangeHub, type HubService } from './hub';
import styles from './HubGraph.module.css';

export interface HubGraphProps {
  services: readonly HubService[];
  /** What it shows, for those who do not see it. */
  label: string;
  /** The word for this node. */
  self: string;
  /** Draws the peers that services work with, too. */
  partners?: boolean;
  height?: number;
}

/** This node as a hub, its services around it; each is a link to its panel. */
export function HubGraph({ services, label, self, partners = false, height = partners ? 420 : 230 }: HubGraphProps) {
  const ref = useRef<HTMLDivElement>(null);
  const width = useWidth(ref);
  const hub = useMemo(() => arrangeHub(services, width, height, partners), [services, width, height, partners]);
  const placeOf = new Map(hub.services.map(({ service, at }) => [service.id, { service, at }]));
  return (
    <div ref={ref} role="group" aria-label={label} className={styles.hub} style={{ height }}>
      {width > 0 && (
        <svg width={width} height={height} className={styles.drawing}>
          <g aria-hidden="true">
            {hub.partners.flatMap((partner) =>
              partner.services.map((id) => {
                const from = placeOf.get(id);
                if (!from) return null;
                const d = `M${from.at.x} ${from.at.y}L${partner.at.x} ${partner.at.y}`;
                return (
                  <path
                    key={`${partner.id} ${id}`}
                    d={d}
                    stroke={`var(--t${from.service.thread % 8})`}
                    className={styles.work}
                  />
                );
              }),
            )}
            {hub.services.map(({ service, at }) => (
              <path
                key={service.id}
                d={`M${hub.self.x} ${hub.self.y}L${at.x} ${at.y}`}
                stroke={service.doing === 'off' ? 'var(--edge)' : `var(--t${service.thread % 8})`}
                className={cx(styles.spoke, service.doing === 'off' && styles.faint)}
              />
            ))}
            <circle cx={hub.self.x} cy={hub.self.y} r="17" className={styles.self} />
            <text x={hub.self.x} y={hub.self.y + 32} textAnchor="middle" className={styles.name}>
              {self}
            </text>
            {hub.partners.map(({ id, name, colour, at }) => {
              const right = at.x >= hub.self.x;
              return (
                <g key={id}>
                  <circle cx={at.x} cy={at.y} r="5" fill={colour} className={styles.partner} />
                  <text
                    x={at.x + (right ? 9 : -9)}
                    y={at.y + 4}
                    textAnchor={right ? 'start' : 'end'}
                    className={styles.note}
                  >
                    {name}
                  </text>
                </g>
              );
            })}
          </g>
          {hub.services.map(({ service, at }) => {
            const right = at.x >= hub.self.x - 5;
            const x = at.x + (right ? 16 : -16);
            const anchor = right ? 'start' : 'end';
            return (
              <Link
                key={service.id}
                href={service.to}
                className={styles.service}
                aria-label={`${service.name}: ${service.note}`}
              >
                <circle cx={at.x} cy={at.y} r="14" className={styles.field} />
                <g transform={`translate(${at.x} ${at.y})`}>
                  <DoingMark doing={service.doing} colour={`var(--t${service.thread % 8})`} />
                </g>
                {/* The space keeps the words apart for those who compare them with the link's name. */}
                <text x={x} y={at.y} textAnchor={anchor} className={styles.name}>
                  {`${service.name} `}
                </text>
                <text x={x} y={at.y + 14} textAnchor={anchor} className={styles.note}>
                  {service.note}
                </text>
              </Link>
            );
          })}
        </svg>
      )}
    </div>
  );
}
