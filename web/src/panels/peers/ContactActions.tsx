import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { answer, api } from '../../api/client';
import { Failure } from '../../api/Failure';
import { useFeed } from '../../feed/store';
import type { ContactView } from '../../feed/types';
import { Button } from '../../look/Button';
import { Confirm, Dialog } from '../../look/Dialog';
import { Field } from '../../look/Field';
import { Menu } from '../../look/Menu';
import { shownName } from '../../look/Name';
import { toast } from '../../look/toasts';

type Asked = 'rename' | 'notes' | 'block' | 'remove';

/** What can be changed of a contact; what is absent stays. */
interface Change {
  petname?: string;
  notes?: string;
  blocked?: boolean;
}

function change(contact: ContactView, body: Change) {
  return answer(api.PATCH('/api/v1/people/contacts/{who}', { params: { path: { who: contact.user_key } }, body }));
}

function remove(contact: ContactView) {
  return answer(api.DELETE('/api/v1/people/contacts/{who}', { params: { path: { who: contact.user_key } } }));
}

/** One line or several of text about a contact, and the node's word on it. */
function Edit({ contact, what, onClose }: { contact: ContactView; what: 'rename' | 'notes'; onClose: () => void }) {
  const { t } = useTranslation('peers');
  const { t: say } = useTranslation('look');
  const [text, setText] = useState(what === 'rename' ? contact.petname : (contact.notes ?? ''));
  const save = useMutation({
    mutationFn: () => change(contact, what === 'rename' ? { petname: text } : { notes: text }),
    onSuccess: onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const form = `edit-${what}`;
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`${t(`act.${what}`)}: ${shownName(contact.petname, 60)}`}
      actions={
        <>
          <Button onPress={onClose}>{say('cancel')}</Button>
          <Button look="primary" type="submit" form={form} isPending={save.isPending}>
            {t('act.save')}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit}>
        <Field
          label={t(what === 'rename' ? 'act.newName' : 'act.notesLabel')}
          value={text}
          onChange={setText}
          lines={what === 'rename' ? 1 : 5}
          autoFocus
        />
      </form>
      <Failure of={save.error} />
    </Dialog>
  );
}

/** A contact's menu, and the dialogs it opens. */
export function ContactActions({ contact, details = true }: { contact: ContactView; details?: boolean }) {
  const { t } = useTranslation('peers');
  const [, go] = useLocation();
  const [asked, setAsked] = useState<Asked | null>(null);
  const past = useFeed((state) => state.replay !== null);
  const close = () => setAsked(null);
  const name = shownName(contact.petname, 60);
  const open = { id: 'open', label: t('act.open'), onAction: () => go(`/peers/${contact.user_key}`) };
  const items = [
    ...(details ? [open] : []),
    { id: 'rename', label: t('act.rename'), onAction: () => setAsked('rename'), isDisabled: past },
    { id: 'notes', label: t('act.notes'), onAction: () => setAsked('notes'), isDisabled: past },
    contact.blocked
      ? {
          id: 'unblock',
          label: t('act.unblock'),
          onAction: () => void change(contact, { blocked: false }).catch((error: Error) => toast(error.message, 'bad')),
          isDisabled: past,
        }
      : { id: 'block', label: t('act.block'), onAction: () => setAsked('block'), isDisabled: past },
    { id: 'remove', label: t('act.remove'), onAction: () => setAsked('remove'), danger: true, isDisabled: past },
  ];
  return (
    <>
      <Menu label={t('act.menu', { name })} items={items} small look="quiet">
        •••
      </Menu>
      {(asked === 'rename' || asked === 'notes') && <Edit contact={contact} what={asked} onClose={close} />}
      <Confirm
        title={t('act.blockTitle', { name })}
        isOpen={asked === 'block'}
        onClose={close}
        confirm={t('act.block')}
        danger
        onConfirm={() => change(contact, { blocked: true })}
      >
        <p>{t('act.blockText')}</p>
      </Confirm>
      <Confirm
        title={t('act.removeTitle', { name })}
        isOpen={asked === 'remove'}
        onClose={close}
        confirm={t('act.remove')}
        danger
        onConfirm={async () => {
          await remove(contact);
          if (!details) go('/peers');
        }}
      >
        <p>{t('act.removeText')}</p>
      </Confirm>
    </>
  );
}
