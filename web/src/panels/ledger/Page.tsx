import './strings';
import { useTranslation } from 'react-i18next';
import { Route, Switch } from 'wouter';
import { useFeed } from '../../feed/store';
import { Card } from '../../look/Card';
import { Skeleton } from '../../look/Skeleton';
import { Overview } from './overview/Overview';
import { AccountPage } from './pages/AccountPage';
import { BlockPage } from './pages/BlockPage';
import { TransactionPage } from './pages/TransactionPage';
import { NoChain } from './start/NoChain';

/** The ledger's panel: the chain as it goes on, and a page for each block, transaction and account. */
export default function Page() {
  const { t } = useTranslation('ledger');
  const connecting = useFeed((state) => state.seq === 0);
  const genesis = useFeed((state) => state.ledger.chain?.genesis);
  if (connecting) {
    return (
      <Card title={t('title')}>
        <Skeleton height={480} />
      </Card>
    );
  }
  if (genesis === undefined) return <NoChain />;
  return (
    <Switch>
      <Route path="/ledger/block/:id">{({ id }) => <BlockPage key={`${genesis} ${id}`} id={id} />}</Route>
      <Route path="/ledger/tx/:hash">{({ hash }) => <TransactionPage key={`${genesis} ${hash}`} hash={hash} />}</Route>
      <Route path="/ledger/account/:address">
        {({ address }) => <AccountPage key={`${genesis} ${address}`} address={address} />}
      </Route>
      <Route>
        <Overview key={genesis} />
      </Route>
    </Switch>
  );
}
