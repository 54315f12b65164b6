import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { Failure } from '../../api/Failure';
import type { components } from '../../api/schema';
import { moment } from '../../figures';
import { Button } from '../../look/Button';
import { Copy } from '../../look/Copy';
import { Dialog } from '../../look/Dialog';
import { Facts } from '../../look/Facts';
import { Field } from '../../look/Field';
import { Identicon } from '../../look/Identicon';
import { Name, shownName } from '../../look/Name';
import { toast } from '../../look/toasts';
import styles from './AcceptDialog.module.css';

export interface AcceptDialogProps {
  link: string;
  inspected: components['schemas']['Inspected'];
  onClose: (accepted: boolean) => void;
}

/** Shows who invites before anything is accepted. */
export function AcceptDialog({ link, inspected, onClose }: AcceptDialogProps) {
  const { t } = useTranslation('peers');
  const { invitation, contact } = inspected;
  const [name, setName] = useState(contact?.petname ?? invitation.petname ?? '');
  const accept = useMutation({
    mutationFn: () => {
      const petname = contact ? null : name.trim() || null;
      return answer(api.POST('/api/v1/people/invitations/accept', { body: { link, petname } }));
    },
    onSuccess: ({ contact, is_new }) => {
      toast(t(is_new ? 'accept.added' : 'accept.updated', { name: shownName(contact.petname, 60) }));
      onClose(true);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    accept.mutate();
  };
  const device = invitation.devices[0]?.name;
  const facts = [
    ...(device ? [{ term: t('accept.device'), value: <Name text={device} /> }] : []),
    { term: t('accept.key'), value: <Copy text={invitation.user_key} what={t('accept.key')} keep={8} /> },
    { term: t('accept.network'), value: <Name text={invitation.network} /> },
    ...(invitation.expires == null ? [] : [{ term: t('accept.until'), value: moment(invitation.expires * 1000) }]),
  ];
  return (
    <Dialog
      isOpen
      onClose={() => onClose(false)}
      title={t('accept.title')}
      actions={
        <>
          <Button onPress={() => onClose(false)}>{t('accept.cancel')}</Button>
          <Button look="primary" type="submit" form="accept" isPending={accept.isPending}>
            {t('accept.accept')}
          </Button>
        </>
      }
    >
      <div className={styles.who}>
        <Identicon of={invitation.user_key} size={40} />
        <p>
          {contact
            ? t('accept.knows', { name: shownName(contact.petname, 60) })
            : invitation.petname
              ? t('accept.says', { name: shownName(invitation.petname, 60) })
              : t('accept.compare')}
        </p>
      </div>
      <Facts facts={facts} />
      <form id="accept" onSubmit={submit}>
        {!contact && <Field label={t('accept.name')} value={name} onChange={setName} autoFocus />}
      </form>
      {!contact && invitation.petname && <p className="quiet">{t('accept.compare')}</p>}
      <Failure of={accept.error} />
    </Dialog>
  );
}
