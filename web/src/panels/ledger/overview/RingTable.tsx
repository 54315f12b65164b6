import { useTranslation } from 'react-i18next';
import type { BlockView, Validator } from '../../../feed/types';
import { count, percent } from '../../../figures';
import { Table, type Column } from '../../../look/Table';
import type { Validators } from '../chain/useValidators';
import { Who } from '../marks/Who';
import styles from './Validators.module.css';

/** 10⁹ of power is a coin's worth. */
const COIN = 1e9;

interface Row extends Validator {
  part: number;
  signedLast: boolean;
  signedOf: number;
  of: number;
  turn: boolean;
}

/** The ring as a table. */
export function RingTable({
  validators,
  blocks,
  proposer,
}: {
  validators: Validators;
  blocks: readonly BlockView[];
  proposer: string | null;
}) {
  const { t } = useTranslation('ledger');
  // The genesis has no certificate.
  const signers = blocks
    .filter(({ height }) => height > 0)
    .map((one) => new Set(one.signers.map((s) => s.toLowerCase())));
  const rows = validators.list.map((one): Row => {
    const id = one.address.toLowerCase();
    return {
      ...one,
      part: validators.total > 0 ? one.power / validators.total : 0,
      signedLast: signers[0]?.has(id) ?? false,
      signedOf: signers.filter((set) => set.has(id)).length,
      of: signers.length,
      turn: proposer?.toLowerCase() === id,
    };
  });
  const columns: Column<Row>[] = [
    { id: 'who', head: t('ring.validator'), cell: (row) => <Who address={row.address} />, isRowHead: true },
    {
      id: 'power',
      head: t('ring.power'),
      cell: (row) => count(row.power / COIN),
      figure: true,
      sort: (row) => row.power,
    },
    { id: 'share', head: t('ring.share'), cell: (row) => percent(row.part), figure: true },
    { id: 'last', head: t('ring.last'), cell: (row) => t(row.signedLast ? 'ring.yes' : 'ring.no') },
    {
      id: 'of',
      head: t('ring.lately'),
      cell: (row) => t('ring.ofBlocks', { signed: count(row.signedOf), of: count(row.of) }),
      figure: true,
      sort: (row) => row.signedOf,
    },
    {
      id: 'turn',
      head: t('ring.role'),
      cell: (row) => <span className={styles.word}>{row.turn ? t('ring.proposes') : ''}</span>,
    },
  ];
  return <Table label={t('ring.title')} columns={columns} rows={rows} rowKey={(row) => row.address} maxHeight={320} />;
}
