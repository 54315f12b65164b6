import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { Failure } from '../../api/Failure';
import { Brand } from '../../app/Brand';
import { Skeleton } from '../../look/Skeleton';
import { TextLink } from '../../look/TextLink';
import { Done } from './Done';
import styles from './Page.module.css';
import { Place } from './Place';
import { Restore, RESTORED } from './Restore';
import { Step } from './Step';
import { Who } from './Who';
import { Words } from './Words';

type At = 'who' | 'restore' | 'words' | 'place' | 'done';

/** The first run: who you are, your words, where things go. Done in under a minute. */
export default function Page() {
  const { t } = useTranslation('welcome');
  const client = useQueryClient();
  const [at, setAt] = useState<At>(() => (sessionStorage.getItem(RESTORED) === null ? 'who' : 'place'));
  const setup = useQuery({
    queryKey: ['setup'],
    queryFn: () => answer(api.GET('/api/v1/setup')),
    staleTime: Infinity,
  });
  const { data } = setup;
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <Brand className={styles.brand} />
        <h1>{t('hello')}</h1>
        <p className="quiet">{t('intro')}</p>
      </header>
      {setup.isPending && <Skeleton height={320} />}
      <Failure of={setup.error} />
      {data?.done === true && at !== 'done' && (
        <Step title={t('over.title')}>
          <p>{t('over.text')}</p>
          <TextLink to="/">{t('over.go')}</TextLink>
        </Step>
      )}
      {data?.done === false && at === 'who' && (
        <Who setup={data} onNext={(way) => setAt(way === 'restore' ? 'restore' : 'words')} />
      )}
      {data?.done === false && at === 'restore' && <Restore onBack={() => setAt('who')} />}
      {data?.done === false && at === 'words' && (
        <Words encrypted={data.identity.encrypted} onNext={() => setAt('place')} />
      )}
      {data?.done === false && at === 'place' && (
        <Place
          setup={data}
          onDone={() => {
            setAt('done');
            sessionStorage.removeItem(RESTORED);
            client.setQueryData(['setup'], { ...data, done: true });
          }}
        />
      )}
      {at === 'done' && <Done />}
    </div>
  );
}
