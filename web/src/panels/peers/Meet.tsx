import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { Failure } from '../../api/Failure';
import { useFeed } from '../../feed/store';
import { Button } from '../../look/Button';
import { Card } from '../../look/Card';
import { Field } from '../../look/Field';
import { AcceptDialog } from './AcceptDialog';
import { InviteDialog } from './InviteDialog';
import styles from './Meet.module.css';

/** The two ways to meet somebody: to invite, and to be invited. */
export function Meet() {
  const { t } = useTranslation('peers');
  const [inviting, setInviting] = useState(false);
  const [link, setLink] = useState('');
  const past = useFeed((state) => state.replay !== null);
  const look = useMutation({
    mutationFn: () => answer(api.POST('/api/v1/people/invitations/inspect', { body: { link } })),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (link.trim() !== '') look.mutate();
  };
  return (
    <Card title={t('meet.title')}>
      <div className={styles.ways}>
        <div className={styles.way}>
          <p>{t('meet.inviteText')}</p>
          <Button look="primary" onPress={() => setInviting(true)} isDisabled={past}>
            {t('meet.invite')}
          </Button>
        </div>
        <form onSubmit={submit} className={styles.way}>
          <Field
            label={t('meet.link')}
            hint={t('meet.linkHint')}
            value={link}
            onChange={setLink}
            mono
            autoComplete="off"
          />
          <Failure of={look.error} />
          <Button type="submit" isPending={look.isPending} isDisabled={past || link.trim() === ''}>
            {t('meet.look')}
          </Button>
        </form>
      </div>
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
      {look.data && (
        <AcceptDialog
          link={link}
          inspected={look.data}
          onClose={(accepted) => {
            look.reset();
            if (accepted) setLink('');
          }}
        />
      )}
    </Card>
  );
}
