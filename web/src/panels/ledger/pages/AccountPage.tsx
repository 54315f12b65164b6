import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../../api/Failure';
import { bytes, count } from '../../../figures';
import { Card } from '../../../look/Card';
import { Copy } from '../../../look/Copy';
import { Empty } from '../../../look/Empty';
import { Facts } from '../../../look/Facts';
import { Grid } from '../../../look/Grid';
import { Skeleton } from '../../../look/Skeleton';
import { AbiCard } from '../abi/AbiCard';
import { LogList } from '../abi/LogList';
import { Coins } from '../marks/Coins';
import { FIRST_CONTRACTS, isAddress } from '../marks/kinds';
import { TransactionTable } from '../marks/TransactionTable';
import { useGenesis, useHeight } from '../chain/useChain';
import { useRecent } from '../chain/useRecent';
import { useSlow } from '../chain/useSlow';
import { useValidators } from '../chain/useValidators';
import { account, keys, type Account } from '../requests';
import { Back } from './Back';
import styles from './pages.module.css';

/** Blocks that are looked through for what has to do with the account. */
const LOOKED = 20;

function Fields({ of }: { of: Account }) {
  const { t } = useTranslation('ledger');
  const { face } = useValidators();
  const one = face(of.address);
  const first = FIRST_CONTRACTS[of.address.toLowerCase()];
  const roles = [
    ...(one.letter ? [t('account.validator', { letter: one.letter })] : []),
    ...(first ? [t(`first.${first}`)] : []),
    ...(of.code_bytes > 0 ? [t('account.contract')] : []),
  ];
  const facts = [
    { term: t('account.address'), value: <Copy text={of.address} what={t('account.address')} keep={10} /> },
    ...(roles.length > 0 ? [{ term: t('account.role'), value: roles.join(', ') }] : []),
    { term: t('account.balance'), value: <Coins wei={of.balance} /> },
    {
      term: t('account.nonce'),
      value:
        of.pending_nonce > of.nonce
          ? t('account.noncePending', { nonce: count(of.nonce), pending: count(of.pending_nonce) })
          : count(of.nonce),
    },
    { term: t('account.code'), value: of.code_bytes > 0 ? bytes(of.code_bytes) : t('account.noCode') },
  ];
  return <Facts facts={facts} />;
}

function Activity({ address, span }: { address: string; span: 7 | 12 }) {
  const { t } = useTranslation('ledger');
  const { details, known } = useRecent(LOOKED);
  const id = address.toLowerCase();
  const all = details.flatMap(({ list }) => list.toReversed());
  const rows = all.filter((tx) => [tx.from, tx.to, tx.contract].some((one) => one?.toLowerCase() === id));
  const logs = all.flatMap((tx) => tx.logs.filter((log) => log.address.toLowerCase() === id));
  return (
    <>
      <Card title={t('account.transactions')} caption={t('account.looked')} span={span}>
        {rows.length > 0 ? (
          <TransactionTable label={t('account.transactions')} rows={rows} />
        ) : known ? (
          <Empty title={t('account.nothing')}>{t('account.nothingText')}</Empty>
        ) : (
          <Skeleton height={80} />
        )}
      </Card>
      {logs.length > 0 && <LogList logs={logs.slice(0, 50)} caption={t('account.looked')} />}
    </>
  );
}

/** An account: what it has, what it is, what it lately did. */
export function AccountPage({ address }: { address: string }) {
  const { t } = useTranslation('ledger');
  const genesis = useGenesis();
  const height = useHeight();
  const at = useSlow(height, String(height), 2_000);
  const valid = isAddress(address);
  const { data, error } = useQuery({
    queryKey: [...keys.account(genesis, address.toLowerCase()), at],
    queryFn: () => account(address),
    placeholderData: (before) => before,
    enabled: valid,
  });
  const contract = data !== undefined && data.code_bytes > 0;
  return (
    <Grid>
      <Back />
      <Card title={t(contract ? 'account.contractTitle' : 'account.title')} span={valid ? 5 : 12}>
        {!valid ? (
          <Empty title={t('account.odd')}>{t('account.oddText')}</Empty>
        ) : data ? (
          <div className={styles.break}>
            <Fields of={data} />
          </div>
        ) : (
          error === null && <Skeleton height={180} />
        )}
        <Failure of={error} />
      </Card>
      {contract && <AbiCard address={data.address} />}
      {valid && <Activity address={address} span={contract ? 12 : 7} />}
    </Grid>
  );
}
