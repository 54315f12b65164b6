import { useTranslation } from 'react-i18next';
import { useFeed } from '../../feed/store';
import { bytes, millis } from '../../figures';
import { Card } from '../../look/Card';
import { Figure } from '../../look/Figure';
import styles from './Cost.module.css';

/** What it costs to be there for others while nothing moves. */
export function Cost() {
  const { t } = useTranslation('overview');
  const idle = useFeed((state) => state.node.sample?.idle);
  const memory = useFeed((state) => state.node.sample?.rss_bytes);
  return (
    <Card title={t('cost.title')} caption={t('cost.caption')} span={5}>
      <div className={styles.figures}>
        <Figure large value={idle ? bytes(idle.bytes) : '–'} label={t('cost.bytes')} />
        <Figure large value={idle ? millis(idle.cpu_ms) : '–'} label={t('cost.cpu')} />
        <Figure large value={memory === undefined ? '–' : bytes(memory)} label={t('cost.memory')} />
      </div>
    </Card>
  );
}
