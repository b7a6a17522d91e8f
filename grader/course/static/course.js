// Shows what changes, as the server tells it. Without this script the page shows the same when it is loaded.
const live = document.getElementById("live");
if (live) {
  new EventSource(live.dataset.from).onmessage = (event) => {
    const open = [...live.querySelectorAll("details[open]")].map((each) => each.dataset.key);
    live.innerHTML = JSON.parse(event.data);
    for (const each of live.querySelectorAll("details")) each.open = open.includes(each.dataset.key);
  };
}
