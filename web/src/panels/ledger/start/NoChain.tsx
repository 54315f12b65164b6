import { useTranslation } from 'react-i18next';
import { useFeed } from '../../../feed/store';
import { Banner } from '../../../look/Banner';
import { Card } from '../../../look/Card';
import { Grid } from '../../../look/Grid';
import { shownName } from '../../../look/Name';
import { useStatus } from '../overview/useStatus';
import { Candidate } from './Candidate';
import { Entering } from './Entering';
import { JoinChain } from './JoinChain';
import { MakeChain } from './MakeChain';
import styles from './start.module.css';

/** The node is on no chain: what one is for, and the two ways onto one. */
export function NoChain() {
  const { t } = useTranslation('ledger');
  const entering = useStatus().data?.entering;
  const because = useFeed((state) => state.ledger.because);
  return (
    <Grid>
      <Card title={t('none.title')}>
        <p className={styles.what}>{t('none.text')}</p>
        {because !== null && (
          <Banner tone="bad" title={t('none.stopped')}>
            <bdi>{shownName(because, 400)}</bdi>
          </Banner>
        )}
      </Card>
      {entering ? (
        <Entering progress={entering} />
      ) : (
        <>
          <MakeChain />
          <JoinChain />
        </>
      )}
      <Candidate />
    </Grid>
  );
}
