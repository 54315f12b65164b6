import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { count, percent } from '../figures';
import { Table, type Column } from '../look/Table';
import { runs, width, type Cloth, type ClothRow, type Run } from './cloth';
import { Mark } from './Mark';
import { UNDYED, type NameOf, type ThreadOf } from './thread';
import styles from './MatrixTable.module.css';

interface MatrixTableProps {
  cloth: Cloth;
  threadOf: ThreadOf;
  nameOf: NameOf;
}

/** The matrix as two tables: stretches of pieces by giver, and what each peer has. */
export function MatrixTable(props: MatrixTableProps) {
  return (
    <div className={styles.tables}>
      <RunsTable {...props} />
      <RowsTable {...props} />
    </div>
  );
}

function RunsTable({ cloth, threadOf, nameOf }: MatrixTableProps) {
  const { t } = useTranslation('weave');
  const columns = useMemo((): Column<Run>[] => {
    const stretch = ({ firstPiece, lastPiece }: Run) =>
      firstPiece === lastPiece ? count(firstPiece) : `${count(firstPiece)}–${count(lastPiece)}`;
    const giver = ({ giver }: Run) => {
      if (giver === null) return t('nobody');
      return <Giver peer={giver} name={giver === UNDYED ? t('already') : nameOf(giver)} threadOf={threadOf} />;
    };
    return [
      {
        id: 'pieces',
        head: t('columnPieces'),
        isRowHead: true,
        cell: (run) => (
          <span data-first={run.firstColumn} data-last={run.lastColumn} data-giver={run.giver ?? 'none'}>
            {stretch(run)}
          </span>
        ),
      },
      { id: 'giver', head: t('columnGiver'), cell: giver },
      { id: 'here', head: t('columnHere'), cell: ({ have }) => percent(have / 100), figure: true },
      { id: 'held', head: t('columnHeld'), cell: ({ availability }) => count(availability), figure: true },
      { id: 'reading', head: t('columnReading'), cell: ({ reading }) => t(reading ? 'yes' : 'no') },
    ];
  }, [t, threadOf, nameOf]);
  return (
    <Table
      label={t('runsTitle')}
      columns={columns}
      rows={runs(cloth)}
      rowKey={(run) => String(run.firstColumn)}
      maxHeight={320}
    />
  );
}

function RowsTable({ cloth, threadOf, nameOf }: MatrixTableProps) {
  const { t } = useTranslation('weave');
  const columns = useMemo((): Column<ClothRow>[] => {
    const gave = ({ peer }: ClothRow) => cloth.givers.find((giver) => giver.peer === peer)?.pieces ?? 0;
    return [
      {
        id: 'peer',
        head: t('columnPeer'),
        isRowHead: true,
        cell: ({ peer }) => <Giver peer={peer} name={nameOf(peer)} threadOf={threadOf} />,
      },
      { id: 'has', head: t('columnHas'), cell: (row) => percent(hasOf(cloth, row) / 100), figure: true },
      { id: 'gave', head: t('columnGave'), cell: (row) => count(gave(row)), figure: true },
      { id: 'reading', head: t('columnReading'), cell: ({ reading }) => t(reading.some(Boolean) ? 'yes' : 'no') },
    ];
  }, [t, threadOf, nameOf, cloth]);
  return (
    <Table label={t('rowsTitle')} columns={columns} rows={cloth.rows} rowKey={({ peer }) => peer} maxHeight={320} />
  );
}

function Giver({ peer, name, threadOf }: { peer: string; name: string; threadOf: ThreadOf }) {
  return (
    <span className={styles.giver}>
      <Mark peer={peer} threadOf={threadOf} />
      <bdi>{name}</bdi>
    </span>
  );
}

function hasOf(cloth: Cloth, row: ClothRow): number {
  if (row.seed) return 100;
  const sum = row.have.reduce((total, have, column) => total + have * width(cloth, column), 0);
  return cloth.pieces === 0 ? 0 : sum / cloth.pieces;
}
