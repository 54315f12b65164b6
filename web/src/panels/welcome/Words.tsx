import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { Failure } from '../../api/Failure';
import { Button } from '../../look/Button';
import { Confirm } from '../../look/Dialog';
import { Field } from '../../look/Field';
import { twoPlaces } from './phrase';
import { Step } from './Step';
import { Words as List } from '../../look/Words';
import styles from './Words.module.css';

/** Two words are asked back: who copied them has them. */
function Check({ words, onAgain, onRight }: { words: string[]; onAgain: () => void; onRight: () => void }) {
  const { t } = useTranslation('welcome');
  const [places] = useState(() => twoPlaces());
  const [typed, setTyped] = useState(['', '']);
  const [looked, setLooked] = useState(false);
  const right = (index: number) => typed[index]?.trim().toLowerCase() === words[places[index] ?? -1];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setLooked(true);
    if (right(0) && right(1)) onRight();
  };
  return (
    <Step
      step={2}
      steps={3}
      title={t('words.check')}
      actions={
        <>
          <Button onPress={onAgain}>{t('words.again')}</Button>
          <Button look="primary" type="submit" form="check">
            {t('next')}
          </Button>
        </>
      }
    >
      <form id="check" onSubmit={submit} className={styles.check}>
        {places.map((place, index) => (
          <Field
            key={place}
            label={t('words.ask', { place: place + 1 })}
            value={typed[index] ?? ''}
            onChange={(text) => {
              setLooked(false);
              setTyped((before) => before.map((old, other) => (other === index ? text : old)));
            }}
            error={looked && !right(index) ? t('words.wrong', { place: place + 1 }) : undefined}
            autoComplete="off"
            mono
          />
        ))}
      </form>
    </Step>
  );
}

/** The recovery phrase: shown when asked for, then two words of it asked back; or skipped, knowing what that means. */
export function Words({ encrypted, onNext }: { encrypted: boolean; onNext: () => void }) {
  const { t } = useTranslation('welcome');
  const [checking, setChecking] = useState(false);
  const [skipping, setSkipping] = useState(false);
  const [passphrase, setPassphrase] = useState('');
  const reveal = useMutation({
    mutationFn: () =>
      answer(
        api.POST('/api/v1/identity/phrase', {
          body: { confirm: 'reveal', ...(passphrase === '' ? {} : { passphrase }) },
        }),
      ),
    onSuccess: () => setPassphrase(''),
    // The words are in nobody's cache.
    gcTime: 0,
  });
  const words = reveal.data?.words;
  if (words && checking) {
    return <Check words={words} onAgain={() => setChecking(false)} onRight={onNext} />;
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    reveal.mutate();
  };
  return (
    <Step
      key={words ? 'words' : 'ask'}
      step={2}
      steps={3}
      title={t('words.title')}
      actions={
        <>
          <Button onPress={() => setSkipping(true)}>{t('words.skip')}</Button>
          {words ? (
            <Button look="primary" onPress={() => setChecking(true)}>
              {t('words.wrote')}
            </Button>
          ) : (
            <Button look="primary" type="submit" form="reveal" isPending={reveal.isPending}>
              {t('words.show')}
            </Button>
          )}
        </>
      }
    >
      <p>{t('words.text')}</p>
      {words ? (
        <List words={words} label={t('words.list')} />
      ) : (
        <form id="reveal" onSubmit={submit}>
          {encrypted && (
            <Field
              label={t('words.passphrase')}
              type="password"
              value={passphrase}
              onChange={setPassphrase}
              autoComplete="off"
            />
          )}
        </form>
      )}
      <Failure of={reveal.error} />
      <Confirm
        title={t('words.skipTitle')}
        isOpen={skipping}
        onClose={() => setSkipping(false)}
        confirm={t('words.skipDo')}
        danger
        onConfirm={onNext}
      >
        <p>{t('words.skipText')}</p>
      </Confirm>
    </Step>
  );
}
