import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../../api/Failure';
import { useFeed } from '../../../feed/store';
import { count } from '../../../figures';
import { Button } from '../../../look/Button';
import { Card } from '../../../look/Card';
import { Meter } from '../../../look/Meter';
import { leave, type Entering as Progress } from '../requests';
import styles from './start.module.css';

/** How far this node is on its way onto a chain. It goes on when the page is closed. */
export function Entering({ progress }: { progress: Progress }) {
  const { t } = useTranslation('ledger');
  const past = useFeed((state) => state.replay !== null);
  const stop = useMutation({ mutationFn: leave });
  const { step, done, of } = progress;
  const words = t(`entering.${step}`, { done: count(done), of: count(of) });
  return (
    <Card title={t('entering.title')} span={6}>
      <div className={styles.form}>
        <p>{t('entering.text')}</p>
        <Meter className={styles.wide} label={t('entering.title')} value={of > 0 ? done / of : 0} text={words} />
        <p role="status">{words}</p>
        <Failure of={stop.error} />
        <Button onPress={() => stop.mutate()} isPending={stop.isPending} isDisabled={past}>
          {t('entering.stop')}
        </Button>
      </div>
    </Card>
  );
}
