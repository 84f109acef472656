/** The whole page. */
import { ChainCard } from '../chain/chain-card.js';
import { ChatCard } from '../chat/chat-card.js';
import { MachinesCard } from '../machines/machines-card.js';
import { PlannerCard } from '../planner/planner-card.js';
import { RequestsCard } from '../requests/requests-card.js';
import { infoFailure } from '../state/store.js';
import { isKeyWanted } from '../data/key.js';
import { Header } from './header.js';
import { KeyForm } from './key-form.js';
import { view, ViewLinks } from './views.js';

export function Page() {
  return (
    <>
      <a class="skip" href="#message">
        Skip to the message
      </a>
      <Header />
      <ViewLinks />
      <KeyForm />
      {infoFailure.value !== null && !isKeyWanted.value && (
        <p class="failure banner" role="alert">
          {infoFailure.value}
        </p>
      )}
      <main class={`view-${view.value}`}>
        <ChatCard />
        <div class="side">
          <ChainCard />
          <MachinesCard />
          <RequestsCard />
          <PlannerCard />
        </div>
      </main>
    </>
  );
}
