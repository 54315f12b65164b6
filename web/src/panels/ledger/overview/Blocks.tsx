import { useLayoutEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Card } from '../../../look/Card';
import { Skeleton } from '../../../look/Skeleton';
import { useWidth } from '../../../weave/useWidth';
import { useBlocks } from '../chain/useChain';
import { useHeld } from '../chain/useHeld';
import { useValidators } from '../chain/useValidators';
import { BlockCell } from './BlockCell';
import styles from './Blocks.module.css';

/** A cell and the gap beside it. */
const STEP = 56;
const QUICK = 200;

function isStill(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/** The last blocks, newest first. While somebody points at one or has stepped to one they stay where they are. */
export function Blocks() {
  const { t } = useTranslation('ledger');
  const blocks = useBlocks();
  const { face } = useValidators();
  const box = useRef<HTMLDivElement>(null);
  const row = useRef<HTMLUListElement>(null);
  const width = useWidth(box);
  const { shown: kept, held, holding } = useHeld(blocks);
  const places = Math.max(1, Math.floor((width + STEP - 48) / STEP));
  const shown = (kept ?? []).slice(0, places);
  const newest = blocks?.[0]?.height ?? 0;
  const waiting = held ? newest - (kept?.[0]?.height ?? newest) : 0;

  // One that comes moves the others by a place.
  const first = shown[0]?.height ?? 0;
  const before = useRef(first);
  useLayoutEffect(() => {
    const came = first - before.current;
    before.current = first;
    if (came <= 0 || came > 3 || isStill()) return;
    const from = { transform: `translateX(${String(-came * STEP)}px)` };
    row.current?.animate?.([from, { transform: 'none' }], { duration: QUICK, easing: 'ease-out' });
  }, [first]);

  return (
    <Card title={t('blocks.title')} caption={waiting > 0 ? t('blocks.held', { count: waiting }) : t('blocks.caption')}>
      <div ref={box} className={styles.box} {...holding}>
        {blocks ? (
          <ul ref={row} className={styles.row} aria-label={t('blocks.label')}>
            {shown.map((block) => (
              <li key={block.hash}>
                <BlockCell block={block} face={block.height > 0 ? face(block.proposer) : null} />
              </li>
            ))}
          </ul>
        ) : (
          <Skeleton height={96} />
        )}
      </div>
    </Card>
  );
}
