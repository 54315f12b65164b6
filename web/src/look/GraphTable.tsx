import { useState, type ReactNode } from 'react';
import { ToggleButton } from 'react-aria-components/ToggleButton';
import { ToggleButtonGroup } from 'react-aria-components/ToggleButtonGroup';
import { useTranslation } from 'react-i18next';
import { cx } from './cx';
import styles from './GraphTable.module.css';

type View = 'graph' | 'table';

export interface GraphTableProps {
  /** What is shown; the choice is kept under it for as long as the page is open. */
  label: string;
  graph: ReactNode;
  table: ReactNode;
  /** Stands at the left of the choice: a legend. */
  legend?: ReactNode;
}

const chosen = new Map<string, View>();

/** A graph and its table twin: the same data, one or the other. */
export function GraphTable({ label, graph, table, legend }: GraphTableProps) {
  const { t } = useTranslation('look');
  const [view, setView] = useState<View>(chosen.get(label) ?? 'graph');
  const choose = (next: View) => {
    chosen.set(label, next);
    setView(next);
  };
  return (
    <div className={styles.both}>
      <div className={styles.body}>{view === 'graph' ? graph : table}</div>
      <div className={styles.foot}>
        <div className={styles.legend}>{legend}</div>
        <ToggleButtonGroup
          aria-label={`${t('show-as')}: ${label}`}
          selectedKeys={[view]}
          disallowEmptySelection
          onSelectionChange={(keys) => choose(keys.has('table') ? 'table' : 'graph')}
          className={cx(styles.group)}
        >
          <ToggleButton id="graph" className={cx(styles.choice)}>
            {t('graph')}
          </ToggleButton>
          <ToggleButton id="table" className={cx(styles.choice)}>
            {t('table')}
          </ToggleButton>
        </ToggleButtonGroup>
      </div>
    </div>
  );
}
