import { useMutation } from '@tanstack/react-query';
import { useEffect, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { Failure } from '../../api/Failure';
import { ProblemError } from '../../api/problem';
import { Button } from '../../look/Button';
import { Card } from '../../look/Card';
import { Field } from '../../look/Field';
import { Words as List } from '../../look/Words';
import styles from './Phrase.module.css';

/** Long enough to copy 24 words by hand is longer; but a page that is left open shall not show them. */
const SHOWN_S = 60;

/** The words, for a minute at most, and only while the page is looked at. */
function Words({ words, onHide }: { words: string[]; onHide: () => void }) {
  const { t } = useTranslation('settings');
  const [left, setLeft] = useState(SHOWN_S);
  useEffect(() => {
    const until = Date.now() + SHOWN_S * 1000;
    const timer = setInterval(() => {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      if (seconds <= 0) onHide();
      else setLeft(seconds);
    }, 250);
    const onHidden = () => document.visibilityState === 'hidden' && onHide();
    addEventListener('blur', onHide);
    document.addEventListener('visibilitychange', onHidden);
    return () => {
      clearInterval(timer);
      removeEventListener('blur', onHide);
      document.removeEventListener('visibilitychange', onHidden);
    };
  }, [onHide]);
  return (
    <>
      <p>{t('phrase.warning')}</p>
      <List words={words} label={t('phrase.words')} />
      <div className={styles.foot}>
        <Button onPress={onHide}>{t('phrase.hide')}</Button>
        <span className="quiet">{t('phrase.hides', { seconds: left })}</span>
      </div>
    </>
  );
}

/** The recovery phrase, behind a typed word. */
export function Phrase() {
  const { t } = useTranslation('settings');
  const [typed, setTyped] = useState('');
  const [passphrase, setPassphrase] = useState('');
  const [odd, setOdd] = useState(false);
  const reveal = useMutation({
    mutationFn: () =>
      answer(
        api.POST('/api/v1/identity/phrase', {
          body: { confirm: 'reveal', ...(passphrase === '' ? {} : { passphrase }) },
        }),
      ),
    // The words are in nobody's cache.
    gcTime: 0,
  });
  const word = t('phrase.word');
  const wantsPassphrase = reveal.error instanceof ProblemError && reveal.error.problem.status === 403;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const right = typed.trim().toLowerCase() === word.toLowerCase();
    setOdd(!right);
    if (!right) return;
    reveal.mutate(undefined, { onSuccess: () => setPassphrase('') });
    setTyped('');
  };
  const { reset } = reveal;
  return (
    <Card title={t('phrase.title')} span={6}>
      <div className={styles.phrase}>
        {reveal.data ? (
          <Words words={reveal.data.words} onHide={reset} />
        ) : (
          <>
            <p className="quiet">{t('phrase.text')}</p>
            <form onSubmit={submit} className={styles.form}>
              <Field
                label={t('phrase.ask', { word })}
                value={typed}
                onChange={(text) => {
                  setTyped(text);
                  setOdd(false);
                }}
                error={odd ? t('phrase.wrong') : undefined}
                autoComplete="off"
              />
              {wantsPassphrase && (
                <Field
                  label={t('phrase.passphrase')}
                  type="password"
                  value={passphrase}
                  onChange={setPassphrase}
                  autoComplete="off"
                />
              )}
              <Failure of={reveal.error} />
              <Button type="submit" isPending={reveal.isPending}>
                {t('phrase.reveal')}
              </Button>
            </form>
          </>
        )}
      </div>
    </Card>
  );
}
