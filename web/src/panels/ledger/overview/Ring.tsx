import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { count } from '../../../figures';
import type { BlockView } from '../../../feed/types';
import type { Validators } from '../chain/useValidators';
import { arcsOf, labelAt, outline } from './ring';
import styles from './Ring.module.css';

const [INNER, OUTER, LABEL, HALF] = [62, 88, 103, 124];
/** More letters than that would cover one another. */
const MOST_LETTERS = 30;

export interface RingProps {
  validators: Validators;
  last: BlockView | undefined;
  /** Whose turn it is in the round that runs. */
  proposer: string | null;
  height: number;
  label: string;
}

/** Each validator an arc as long as its power: filled if it signed the last block, hatched if not, outlined at its turn. */
export function Ring({ validators, last, proposer, height, label }: RingProps) {
  const { t } = useTranslation('ledger');
  const id = useId();
  const signed = new Set(last?.signers.map((one) => one.toLowerCase()));
  const arcs = arcsOf(validators.list);
  return (
    <svg className={styles.ring} viewBox={`${-HALF} ${-HALF} ${2 * HALF} ${2 * HALF}`} role="img" aria-label={label}>
      <defs>
        <pattern id={id} width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="5" height="5" className={styles.paper} />
          <rect width="1.6" height="5" className={styles.hatch} />
        </pattern>
      </defs>
      {arcs.map((arc) => {
        const face = validators.face(arc.address);
        const turn = proposer?.toLowerCase() === arc.address.toLowerCase();
        const has = signed.has(arc.address.toLowerCase());
        const { x, y } = labelAt(arc, LABEL);
        return (
          <g key={arc.address} style={{ '--dye': face.thread.colour } as React.CSSProperties}>
            <path
              d={outline(arc, INNER, OUTER, 4)}
              fillRule="evenodd"
              className={has ? styles.signed : styles.missing}
              {...(!has && { fill: `url(#${id})` })}
              data-pattern={face.thread.pattern}
            />
            {turn && <path d={outline(arc, INNER - 4, OUTER + 4, 1)} fillRule="evenodd" className={styles.turn} />}
            {arcs.length <= MOST_LETTERS && (
              <text x={x} y={y} className={styles.letter} data-turn={turn || undefined}>
                {face.letter}
              </text>
            )}
          </g>
        );
      })}
      <text y={-4} className={styles.height}>
        {count(height)}
      </text>
      <text y={16} className={styles.what}>
        {t('ring.final')}
      </text>
    </svg>
  );
}
