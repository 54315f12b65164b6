import { useTranslation } from 'react-i18next';
import { Failure } from '../../api/Failure';
import { useFeed } from '../../feed/store';
import { Banner } from '../../look/Banner';
import { Button } from '../../look/Button';
import { Card } from '../../look/Card';
import { Grid } from '../../look/Grid';
import { Name } from '../../look/Name';
import { Skeleton } from '../../look/Skeleton';
import { Prometheus, Token } from './Access';
import { Browser } from './Browser';
import styles from './Page.module.css';
import { Phrase } from './Phrase';
import { useConfig, useRestart, useWaiting } from './requests';
import { Row } from './Row';
import { sections } from './setting';

/** Shown while a change waits for a restart. */
function Waiting() {
  const { t } = useTranslation('settings');
  const keys = useWaiting((state) => state.keys);
  const restart = useRestart();
  const past = useFeed((state) => state.replay !== null);
  if (keys.length === 0) return null;
  return (
    <Banner
      tone="warn"
      title={t('pending.title', { count: keys.length })}
      action={
        <Button onPress={() => restart.mutate()} isPending={restart.isPending} isDisabled={past}>
          {t(restart.isPending ? 'pending.going' : 'pending.restart')}
        </Button>
      }
    >
      {t('pending.text')}
      <Failure of={restart.error} />
    </Banner>
  );
}

/** The settings panel. */
export default function Page() {
  const { t } = useTranslation('settings');
  const config = useConfig();
  return (
    <div className={styles.page}>
      <div aria-live="polite" className={styles.notice}>
        <Waiting />
      </div>
      <Grid>
        <Browser />
        <Phrase />
        <Token />
        <Prometheus />
        {config.isPending && (
          <Card title={t('loading')}>
            <Skeleton height={480} />
          </Card>
        )}
        {config.error && (
          <Card title={t('title')}>
            <Failure of={config.error} />
          </Card>
        )}
        {sections(config.data?.settings ?? []).map(([section, settings]) => (
          <Card key={section} title={t(`section.${section}`, { defaultValue: section })}>
            <ul>
              {settings.map((setting) => (
                <Row key={setting.key} setting={setting} />
              ))}
            </ul>
          </Card>
        ))}
      </Grid>
      {config.data && (
        <p className="quiet">
          <Name text={t('file', { file: config.data.file })} />
        </p>
      )}
    </div>
  );
}
