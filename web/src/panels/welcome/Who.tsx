import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Setup } from './setup';
import { Button } from '../../look/Button';
import { Copy } from '../../look/Copy';
import { Facts } from '../../look/Facts';
import { Identicon } from '../../look/Identicon';
import { Name } from '../../look/Name';
import { Choice } from './Choice';
import styles from './Who.module.css';
import { Step } from './Step';

type Way = 'anew' | 'restore';

/** The identity that was made, and the choice to bring one's own. */
export function Who({ setup, onNext }: { setup: Setup; onNext: (way: Way) => void }) {
  const { t } = useTranslation('welcome');
  const [way, setWay] = useState<Way>('anew');
  const { identity } = setup;
  return (
    <Step
      step={1}
      steps={3}
      title={t('who.title')}
      actions={
        <Button look="primary" onPress={() => onNext(way)}>
          {t('next')}
        </Button>
      }
    >
      <p>{t('who.text')}</p>
      <div className={styles.who}>
        <Identicon of={identity.peer} size={48} />
        <Facts
          facts={[
            { term: t('who.device'), value: <Name text={identity.device_name} /> },
            { term: t('who.user'), value: <Copy text={identity.user} what={t('who.user')} keep={8} /> },
          ]}
        />
      </div>
      {setup.can_restore && (
        <Choice
          label={t('who.choose')}
          value={way}
          onChange={setWay}
          options={(['anew', 'restore'] as const).map((value) => ({
            value,
            label: t(`who.${value}`),
            text: t(`who.${value}Text`),
          }))}
        />
      )}
    </Step>
  );
}
