import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { count } from '../../../figures';
import { Table, type Column } from '../../../look/Table';
import { TextLink } from '../../../look/TextLink';
import type { Transaction } from '../requests';
import { Coins } from './Coins';
import { Hash } from './Hash';
import { Who } from './Who';

/** What became of a transaction, in a word. */
export function StageWord({ of }: { of: Transaction }) {
  const { t } = useTranslation('ledger');
  if (of.stage === 'final') return <>{t(of.succeeded === false ? 'stage.failed' : 'stage.final')}</>;
  return <>{t(`stage.${of.stage}`)}</>;
}

/** Transactions, one a line. */
export function TransactionTable({
  label,
  rows,
  block = true,
  maxHeight = 320,
}: {
  label: string;
  rows: readonly Transaction[];
  /** Whether the block is said: not on a block's own page. */
  block?: boolean;
  maxHeight?: number;
}) {
  const { t } = useTranslation('ledger');
  const columns = useMemo(() => {
    const all: Column<Transaction>[] = [
      { id: 'hash', head: t('tx.hash'), cell: (row) => <Hash of={row.hash} kind="tx" />, isRowHead: true },
      { id: 'stage', head: t('tx.stage'), cell: (row) => <StageWord of={row} /> },
      { id: 'from', head: t('tx.from'), cell: (row) => <Who address={row.from} plain /> },
      {
        id: 'to',
        head: t('tx.to'),
        cell: (row) => (row.to != null ? <Who address={row.to} plain /> : t('tx.makes')),
      },
      { id: 'value', head: t('tx.value'), cell: (row) => <Coins wei={row.value} />, figure: true },
      {
        id: 'block',
        head: t('tx.block'),
        cell: (row) =>
          row.height != null ? <TextLink to={`/ledger/block/${row.height}`}>{count(row.height)}</TextLink> : '–',
        figure: true,
      },
    ];
    return block ? all : all.filter(({ id }) => id !== 'block');
  }, [t, block]);
  return <Table label={label} columns={columns} rows={rows} rowKey={(row) => row.hash} maxHeight={maxHeight} />;
}
