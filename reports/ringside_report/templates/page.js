// SPDX-License-Identifier: BSD-3-Clause
// Filters, keys, one check as a page of its own, colours. Without this the page is complete, only longer.
"use strict";
(() => {
	const root = document.documentElement;
	const $ = (id) => document.getElementById(id);
	root.classList.add("js");

	// Colours: as the system, light, dark.
	const themes = [["", "◐", "System"], ["light", "☀", "Light"], ["dark", "☾", "Dark"]];
	let theme = 0;
	const stored = { get: () => null, set: () => {} };
	try {
		const store = window.localStorage;
		stored.get = () => store.getItem("ringside-theme");
		stored.set = (v) => store.setItem("ringside-theme", v);
	} catch (e) { /* a page opened from a file may have none */ }
	const paint = (index) => {
		const [name, sign, label] = themes[theme = index];
		if (name) root.dataset.theme = name;
		else delete root.dataset.theme;
		$("theme").textContent = `${sign} ${label}`;
		$("theme").setAttribute("aria-label", `Colours: ${name || "as the system"}`);
	};
	paint(Math.max(0, themes.findIndex(([name]) => name === stored.get())));
	$("theme").addEventListener("click", () => {
		paint((theme + 1) % themes.length);
		try { stored.set(themes[theme][0]); } catch (e) { /* not kept, then */ }
	});

	// Filters: a form shows and hides rows of its section, by what their data-… say.
	const wire = (form) => {
		const scope = form.closest("section");
		const rows = [...scope.querySelectorAll(form.dataset.rows)];
		const cells = [...scope.querySelectorAll("[data-target]")];
		const groups = [...scope.querySelectorAll("tbody")].filter((b) => b.querySelector("tr.group"));
		const filter = () => {
			const words = form.querySelector("[name=text]").value.toLowerCase().split(/\s+/).filter(Boolean);
			const chosen = (name) => [...form.querySelectorAll(`[name=${name}]:checked`)].map((i) => i.value);
			const selects = [...form.querySelectorAll("select")].filter((s) => s.value);
			const verdicts = new Set(chosen("verdict"));
			const boxes = form.querySelectorAll("[name=target]");
			const targets = boxes.length ? new Set(chosen("target")) : null;
			const differs = form.querySelector("[name=differs]");
			let shown = 0;
			for (const cell of cells)
				cell.hidden = targets !== null && !targets.has(cell.dataset.target);
			for (const row of rows) {
				const seen = [...row.querySelectorAll("td[data-verdict]:not([hidden])")];
				const fits = words.every((w) => row.dataset.text.includes(w)) &&
					selects.every((s) => row.dataset[s.name] === s.value) &&
					(!verdicts.size || seen.some((c) => verdicts.has(c.dataset.verdict))) &&
					(!differs || !differs.checked || "differs" in row.dataset);
				row.hidden = !fits;
				shown += fits;
			}
			for (const body of groups)
				body.hidden = !body.querySelector("tr.row:not([hidden])");
			form.querySelector("output").textContent = `${shown} of ${rows.length} ${form.dataset.noun}`;
		};
		form.addEventListener("input", filter);
		form.addEventListener("reset", () => setTimeout(filter));
		form.addEventListener("submit", (e) => e.preventDefault());
		filter();
	};
	for (const form of document.querySelectorAll("form.filter"))
		wire(form);

	// Keys: arrows from cell to cell of a matrix, "/" to the nearest filter, Escape from a check back to its cell.
	let left = null;
	const step = (link, across, down) => {
		const table = link.closest("table");
		const cell = link.closest("td, th");
		const rows = [...table.querySelectorAll("tr.row")].filter((r) => !r.hidden && !r.parentNode.hidden);
		const links = (row) => [...row.cells].filter((c) => !c.hidden && c.querySelector("a"));
		const row = rows.indexOf(cell.parentNode);
		if (across) {
			const all = links(cell.parentNode);
			return all[all.indexOf(cell) + across];
		}
		for (let r = row + down; r >= 0 && r < rows.length; r += down)
			if (rows[r].cells[cell.cellIndex].querySelector("a"))
				return rows[r].cells[cell.cellIndex];
		return null;
	};
	const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
	const near = () => [...document.querySelectorAll("form.filter [name=text]")]
		.filter((i) => i.offsetParent)
		.sort((a, b) => Math.abs(a.getBoundingClientRect().top) - Math.abs(b.getBoundingClientRect().top))[0];
	document.addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey) return;
		const at = document.activeElement;
		const link = at && at.closest(".matrix a");
		if (link && arrows[e.key]) {
			const next = step(link, ...arrows[e.key]);
			if (next) next.querySelector("a").focus();
			e.preventDefault();
		} else if (e.key === "/" && !at.closest("input, select, textarea") && near()) {
			near().focus();
			e.preventDefault();
		} else if (e.key === "Escape" && root.classList.contains("routed")) {
			location.hash = left ? left.closest("section").id : "verdicts";
		}
	});
	document.addEventListener("click", (e) => {
		const link = e.target.closest && e.target.closest(".matrix a");
		if (link) left = link;
	});

	// One check as a page.
	const route = () => {
		const wanted = decodeURIComponent(location.hash.slice(1));
		const target = wanted && $(wanted);
		const check = target && target.closest(".check");
		for (const old of document.querySelectorAll(".check.current"))
			old.classList.remove("current");
		root.classList.toggle("routed", Boolean(check));
		if (check) {
			check.classList.add("current");
			for (const d of check.querySelectorAll("details"))
				d.open = true;
			window.scrollTo(0, 0);
		} else if (target) {
			target.scrollIntoView();
			if (left && target.contains(left)) left.focus();
			left = null;
		}
	};
	window.addEventListener("hashchange", route);
	route();

	// What differs between two traced runs, stage by stage.
	const unit = (ns, what) => {
		if (what !== "time") return `${Math.round(ns)} instructions`;
		for (const [name, scale] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]])
			if (Math.abs(ns) >= scale) return `${(ns / scale).toPrecision(3)} ${name}`;
		return `${Math.round(ns)} ns`;
	};
	const parts = (text) => new Map(text.split(";").filter(Boolean).map((part) => {
		const at = part.lastIndexOf("=");
		return [part.slice(0, at), Number(part.slice(at + 1))];
	}));
	const compare = (form) => {
		const out = form.querySelector("output");
		const [old, fresh] = ["old", "new"].map((name) => parts(form.elements[name].value));
		const table = document.createElement("table");
		const row = (kind, texts) => {
			const tr = table.insertRow();
			texts.forEach((text, i) => {
				const cell = document.createElement(kind === "head" || !i ? "th" : "td");
				cell.scope = kind === "head" ? "col" : i ? "" : "row";
				cell.textContent = text;
				tr.append(cell);
			});
		};
		const show = (ns) => ns === undefined ? "–" : unit(ns, out.dataset.unit);
		const sum = (all) => [...all.values()].reduce((a, b) => a + b, 0);
		const change = (by) => (by > 0 ? "+" : "") + unit(by, out.dataset.unit);
		table.className = "figures";
		row("head", ["Stage", "from", "to", "difference"]);
		for (const name of new Set([...old.keys(), ...fresh.keys()]))
			row("", [name, show(old.get(name)), show(fresh.get(name)),
				change((fresh.get(name) || 0) - (old.get(name) || 0))]);
		row("", ["all", show(sum(old)), show(sum(fresh)), change(sum(fresh) - sum(old))]);
		out.replaceChildren(table);
	};
	for (const each of document.querySelectorAll("form.stage-diff")) {
		each.addEventListener("input", () => compare(each));
		each.addEventListener("submit", (e) => e.preventDefault());
		compare(each);
	}

	const openAll = $("open-all");
	if (openAll)
		openAll.addEventListener("click", () => {
			const all = document.querySelectorAll(".check > details");
			const open = openAll.textContent === "Open all";
			for (const d of all) d.open = open;
			openAll.textContent = open ? "Close all" : "Open all";
		});
})();
