import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { Failure } from '../../api/Failure';
import { moment } from '../../figures';
import { Button } from '../../look/Button';
import { Copy } from '../../look/Copy';
import { Dialog } from '../../look/Dialog';
import { Field } from '../../look/Field';
import { Select } from '../../look/Select';
import styles from './InviteDialog.module.css';
import { Qr } from '../../look/Qr';

const HOUR = 3_600;
const VALID = { hour: HOUR, day: 24 * HOUR, week: 7 * 24 * HOUR, month: 30 * 24 * HOUR, ever: null };
type Valid = keyof typeof VALID;

/** Makes an invitation: first what it says, then the link and its picture. */
export function InviteDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('peers');
  const { t: say } = useTranslation('look');
  const [name, setName] = useState('');
  const [valid, setValid] = useState<Valid>('week');
  const make = useMutation({
    mutationFn: () => {
      const body = { petname: name.trim() || null, valid_seconds: VALID[valid] };
      return answer(api.POST('/api/v1/people/invitations', { body }));
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  const made = make.data;
  if (made) {
    return (
      <Dialog
        isOpen
        onClose={onClose}
        title={t('invite.title')}
        actions={
          <>
            <Button onPress={make.reset}>{t('invite.again')}</Button>
            <Button look="primary" onPress={onClose} autoFocus>
              {t('invite.done')}
            </Button>
          </>
        }
      >
        <p>{t('invite.send')}</p>
        <Qr text={made.qr} label={t('invite.qr')} tooLong={t('invite.tooLong')} large />
        <div className={styles.link}>
          <Copy text={made.link} what={t('invite.link')} keep={20} />
        </div>
        <p className="quiet">
          {made.expires == null ? t('invite.forever') : t('invite.until', { moment: moment(made.expires * 1000) })}
        </p>
      </Dialog>
    );
  }
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t('invite.title')}
      actions={
        <>
          <Button onPress={onClose}>{say('cancel')}</Button>
          <Button look="primary" type="submit" form="invite" isPending={make.isPending}>
            {t('invite.make')}
          </Button>
        </>
      }
    >
      <form id="invite" onSubmit={submit} className={styles.form}>
        <Field label={t('invite.name')} hint={t('invite.nameHint')} value={name} onChange={setName} autoFocus />
        <Select
          label={t('invite.valid')}
          value={valid}
          onChange={setValid}
          options={(Object.keys(VALID) as Valid[]).map((value) => ({ value, label: t(`invite.${value}`) }))}
        />
      </form>
      <Failure of={make.error} />
    </Dialog>
  );
}
