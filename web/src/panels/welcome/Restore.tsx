import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { Failure } from '../../api/Failure';
import { Button } from '../../look/Button';
import { Field } from '../../look/Field';
import { comeBack } from './comeBack';
import { PHRASE_WORDS, wordsIn } from './phrase';
import { Step } from './Step';

/** Tells the page, after it was loaded anew, that the words are known to who sits before it. */
export const RESTORED = 'weft.restored';

/** 24 words, each looked up as it is typed; whether they belong together the node says. */
export function Restore({ onBack }: { onBack: () => void }) {
  const { t } = useTranslation('welcome');
  const [text, setText] = useState('');
  const [device, setDevice] = useState('');
  const list = useQuery({
    queryKey: ['wordlist'],
    queryFn: async () => (await import('./wordlist')).WORDS,
    staleTime: Infinity,
  });
  const restore = useMutation({
    mutationFn: async () => {
      const body = { phrase: wordsIn(text).join(' '), ...(device.trim() === '' ? {} : { device_name: device.trim() }) };
      const { url } = await answer(api.POST('/api/v1/setup/restore', { body }));
      setText('');
      sessionStorage.setItem(RESTORED, 'yes');
      // The node is another peer then, and its session too: the address that it gave signs in.
      await comeBack(url);
    },
    gcTime: 0,
  });
  const words = wordsIn(text);
  // The last word may not be whole yet.
  const whole = /[^a-z]$/i.test(text) || words.length >= PHRASE_WORDS ? words : words.slice(0, -1);
  const odd = list.data ? [...new Set(whole.filter((word) => !list.data.has(word)))] : [];
  const error =
    odd.length > 0
      ? t('restore.odd', { count: odd.length, words: odd.slice(0, 5).join(', ') })
      : words.length > PHRASE_WORDS
        ? t('restore.tooMany')
        : undefined;
  const ready = words.length === PHRASE_WORDS && odd.length === 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) restore.mutate();
  };
  return (
    <Step
      step={1}
      steps={3}
      title={t('restore.title')}
      actions={
        <>
          <Button onPress={onBack} isDisabled={restore.isPending}>
            {t('back')}
          </Button>
          <Button look="primary" type="submit" form="restore" isPending={restore.isPending} isDisabled={!ready}>
            {t('restore.go')}
          </Button>
        </>
      }
    >
      <p>{t('restore.text')}</p>
      <form id="restore" onSubmit={submit}>
        <Field
          label={t('restore.words')}
          value={text}
          onChange={setText}
          hint={<span role="status">{t('restore.count', { count: words.length })}</span>}
          error={error}
          lines={4}
          mono
          autoComplete="off"
        />
        <Field label={t('restore.device')} hint={t('restore.deviceHint')} value={device} onChange={setDevice} />
      </form>
      {restore.isPending && <p role="status">{t('restore.going')}</p>}
      <Failure of={restore.error} />
    </Step>
  );
}
