import { useTranslation } from 'react-i18next';
import { useFeed } from '../../feed/store';
import { Card } from '../../look/Card';
import { Grid } from '../../look/Grid';
import { Skeleton } from '../../look/Skeleton';
import { Connect } from './Connect';
import { Dht } from './Dht';
import { Reach } from './Reach';
import { Relays } from './Relays';
import { Timeline } from './Timeline';

/** The network panel. */
export default function Page() {
  const { t } = useTranslation('network');
  const known = useFeed((state) => state.network.status !== null);
  if (!known) {
    return (
      <Card title={t('title')}>
        <Skeleton height={480} />
      </Card>
    );
  }
  return (
    <Grid>
      <Reach />
      <Dht />
      <Timeline />
      <Relays />
      <Connect />
    </Grid>
  );
}
