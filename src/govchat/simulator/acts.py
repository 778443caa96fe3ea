"""What a citizen can do: follow, write, tap, send a picture or a place, fill in the form, look at what came.

Used by the phone page, by the control API and straight from tests. Each act changes the world, sends the webhook and
answers how the first delivery went. `oa` is an OA id or a slug everywhere.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from govchat.simulator import events
from govchat.simulator.events import Event
from govchat.simulator.people import Message, Person
from govchat.simulator.webhooks import Courier, Delivery
from govchat.simulator.world import OaConfig, World


class Acts:
    """Citizens' acts upon a world; `courier` takes the webhooks."""

    def __init__(self, world: World, courier: Courier) -> None:
        self.world = world
        self.courier = courier

    async def say(self, oa: str, user_id: str, text: str, quote: str = "") -> Delivery:
        """Write a text to the OA."""
        payload = {"quote": quote} if quote else None
        return await self._speak((oa, user_id), "text", text, payload)

    async def tap(self, oa: str, user_id: str, payload: str, show: bool = True) -> Delivery:
        """Tap a button or menu item of query kind; `show` False: the words do not appear in the chat."""
        config, person = self._meet(oa, user_id)
        at = self._interact(person)
        message = Message(self.world.message_id(), config.oa_id, user_id, False, "text", payload, at)
        if show:
            self._record(person, message)
        person.asked_at = at / 1000
        return await self._post(config, person, events.said_by_user(config, person, message))

    async def send_image(self, oa: str, user_id: str, data: bytes, name: str = "anh.jpg", text: str = "") -> Delivery:
        """Send a picture; the webhook carries an address of the simulator where it can be fetched."""
        upload = self.world.uploads.from_citizen(name, data, self.world.now())
        url = f"{self.world.base_url}/_files/{upload.id}"
        attachment = {"type": "image", "payload": {"url": url, "thumbnail": url}}
        return await self._speak((oa, user_id), "image", text, {"url": url, "name": upload.name}, (attachment,))

    async def send_location(self, oa: str, user_id: str, latitude: float, longitude: float) -> Delivery:
        """Send a place; coordinates travel as strings."""
        place = {"latitude": f"{latitude:.6f}", "longitude": f"{longitude:.6f}"}
        attachment = {"type": "location", "payload": {"coordinates": place}}
        return await self._speak((oa, user_id), "location", "", place, (attachment,))

    async def send_attachment(
        self, oa: str, user_id: str, kind: str, payload: Mapping[str, Any], text: str = ""
    ) -> Delivery:
        """Send anything else of §2.4: audio, video, sticker, file, link, gif, business_card."""
        attachment = {"type": "link" if kind == "business_card" else kind, "payload": dict(payload)}
        return await self._speak((oa, user_id), kind, text, payload, (attachment,))

    async def follow(self, oa: str, user_id: str) -> Delivery:
        config, person = self._meet(oa, user_id)
        at = self._interact(person)
        person.follows = True
        person.asked_at = at / 1000
        self._tell(person)
        return await self._post(config, person, events.relation(config, person, "follow", at))

    async def unfollow(self, oa: str, user_id: str) -> Delivery:
        """The OA can't write to this person any more until they follow or write again."""
        config, person = self._meet(oa, user_id)
        person.follows, person.unfollowed, person.acted = False, True, True
        self._tell(person)
        return await self._post(
            config, person, events.relation(config, person, "unfollow", int(self.world.now() * 1000))
        )

    async def click_chat(self, oa: str, user_id: str) -> Delivery:
        """Press "chat now" on the profile: an event only for those who never chatted, but always an interaction."""
        config, person = self._meet(oa, user_id)
        first = person.spoken == 0
        at = self._interact(person)
        if not first:
            return Delivery("user_click_chatnow", "", False, 0, 0.0, error="they chatted before: no event")
        return await self._post(config, person, events.clicked_chat(config, person, at))

    async def submit_info(self, oa: str, user_id: str, info: Mapping[str, str]) -> Delivery:
        """Send the form `request_user_info` asked for: name, phone, address, city, ward, dob, gender."""
        config, person = self._meet(oa, user_id)
        at = self._interact(person)
        person.shared = {name: value for name, value in info.items() if value}
        person.phone = info.get("phone", "") or person.phone
        person.asked_at = at / 1000
        return await self._post(config, person, events.submitted(config, person, info, at))

    async def react(self, oa: str, user_id: str, message_id: str, icon: str) -> Delivery:
        config, person = self._meet(oa, user_id)
        at = int(self.world.now() * 1000)
        return await self._post(config, person, events.reacted(config, person, message_id, icon, at))

    async def withdraw(self, oa: str, user_id: str) -> Delivery:
        """Use the data subject's right: `user_withdraw`."""
        config, person = self._meet(oa, user_id)
        return await self._post(config, person, events.withdrew(config, person, int(self.world.now() * 1000)))

    async def see(self, oa: str, user_id: str) -> Delivery | None:
        """Look at everything the OA said; None when nothing was new. Looking does not open the window."""
        config, person = self._meet(oa, user_id)
        fresh = [message for message in person.messages if message.outgoing and not message.seen]
        if not fresh:
            return None
        for message in fresh:
            message.seen = True
        ids = [message.id for message in fresh]
        self.world.publish(config.oa_id, user_id, "seen", ids)
        return await self._post(config, person, events.seen(config, person, ids, int(self.world.now() * 1000)))

    async def type_by_hand(self, oa: str, user_id: str, text: str, admin_id: str = "1") -> Delivery:
        """An employee answers in OA Manager: the echo carries `sender.admin_id`."""
        config, person = self._meet(oa, user_id)
        message = Message(
            self.world.message_id(), config.oa_id, user_id, True, "text", text, int(self.world.now() * 1000)
        )
        self.world.record(person, message)
        return await self._post(config, person, events.said_by_oa(config, person, message, admin_id))

    async def answers(self, oa: str, user_id: str, count: int = 1, timeout: float = 60.0) -> list[Message]:  # noqa: ASYNC109  the caller's promise, told in the error
        """Wait until the OA said at least `count` things since this person's last act. Raises `TimeoutError` with what came."""
        config, person = self._meet(oa, user_id)
        queue = self.world.listen(config.oa_id, user_id)
        try:
            async with asyncio.timeout(timeout):
                while len(person.answers()) < count:
                    await queue.get()
        except TimeoutError as error:
            came = [message.text for message in person.answers()]
            raise TimeoutError(
                f"{config.slug} said {len(came)} of {count} messages to {user_id} in {timeout:g} s: {came}"
            ) from error
        finally:
            self.world.hush(config.oa_id, user_id, queue)
        return person.answers()

    async def burst(
        self, oas: Sequence[str], per_second: float, seconds: float, texts: Sequence[str], users: int = 1000
    ) -> dict[str, Any]:
        """Seeded followers of these OAs write at an even rate, in turn. Answers how many webhooks went out and how fast."""
        total = int(per_second * seconds)
        begun = time.perf_counter()
        tasks: list[asyncio.Task[Delivery]] = []
        for number in range(total):
            wait = begun + number / per_second - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            config = self.world.oa(oas[number % len(oas)])
            user_id = f"dev-{config.slug}-{1 + (number // len(oas)) % users}"
            tasks.append(asyncio.ensure_future(self.say(config.oa_id, user_id, texts[number % len(texts)])))
        sent_in = time.perf_counter() - begun
        done = await asyncio.gather(*tasks)
        accepted = sum(1 for delivery in done if delivery.status == 200)
        return {
            "said": total,
            "accepted": accepted,
            "seconds": round(sent_in, 3),
            "per_second": round(total / max(sent_in, 1e-9), 1),
        }

    def _meet(self, oa: str, user_id: str) -> tuple[OaConfig, Person]:
        config = self.world.oa(oa)
        return config, self.world.person(config.oa_id, user_id)

    def _interact(self, person: Person) -> int:
        now = self.world.now()
        person.interact(now)
        self.world.dirty = True
        return int(now * 1000)

    def _record(self, person: Person, message: Message) -> None:
        self.world.record(person, message)
        person.mark = person.spoken

    def _tell(self, person: Person) -> None:
        self.world.dirty = True
        self.world.publish(person.oa_id, person.user_id, "person", {"follows": person.follows})

    async def _post(self, config: OaConfig, person: Person, event: Event) -> Delivery:
        return await self.courier.post(config, person.user_id, event)

    async def _speak(
        self,
        whom: tuple[str, str],
        kind: str,
        text: str,
        payload: Mapping[str, Any] | None,
        attachments: Sequence[Mapping[str, Any]] = (),
    ) -> Delivery:
        config, person = self._meet(*whom)
        at = self._interact(person)
        message = Message(self.world.message_id(), config.oa_id, person.user_id, False, kind, text, at, payload)
        self._record(person, message)
        person.asked_at = at / 1000
        return await self._post(config, person, events.said_by_user(config, person, message, attachments))
