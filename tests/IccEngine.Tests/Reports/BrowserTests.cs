using System.Buffers.Binary;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Tests.Reports;

/// <summary>Pages in a browser, on a phone's width; skipped where none is installed.</summary>
public sealed partial class BrowserTests : IDisposable
{
    // Looks at the page in a frame of a phone's size, uses it, and leaves what it saw in its own document.
    private const string Wrapper = """
        <!DOCTYPE html><meta charset="utf-8"><body style="margin:0"><iframe src="page.html" style="width:390px;height:844px;border:0"></iframe><pre></pre>
        <script>
        const frame = document.querySelector("iframe"), seen = { violations: [] };
        frame.contentWindow.addEventListener("error", e => seen.violations.push(e.message));
        frame.onload = () => setTimeout(() => {
          const view = frame.contentWindow, page = frame.contentDocument, all = selector => [...page.querySelectorAll(selector)];
          seen.hacked = view.hacked ?? null;
          seen.width = page.documentElement.scrollWidth;
          seen.scripts = all("script").length;
          seen.figures = all(".plots figure").map(f => f.querySelectorAll(".marks .mark").length);
          seen.outside = all("svg.plot, figure svg, p, h1, h2, ul, select").filter(e => e.getBoundingClientRect().right > 391).length;
          const places = all(".mark").map(m => m.getBoundingClientRect());
          seen.drawn = places.filter(b => b.width > 2).length;
          seen.undrawn = places.length - seen.drawn;
          // Marks lie in the frame of their drawing.
          seen.astray = all("svg:has(.frame)").flatMap(svg => [...svg.querySelectorAll(".marks .mark")].map(m => [svg.querySelector(".frame").getBoundingClientRect(), m.getBoundingClientRect()]))
            .filter(([f, m]) => m.right < f.left || m.left > f.right || m.bottom < f.top || m.top > f.bottom || m.width > 20).length;
          const first = all(".marks .mark[tabindex='0']")[0];
          first.focus();
          seen.tip = page.getElementById("tip").textContent;
          first.dispatchEvent(new view.KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
          seen.second = page.getElementById("tip").textContent;
          seen.hot = all(".hot").length;
          const map = page.querySelector("svg.map");
          if (map) {
            seen.cells = Number(map.dataset.cells);
            const before = map.querySelector("image").getAttribute("href"), layer = page.getElementById("layer");
            seen.layers = layer.options.length;
            layer.value = layer.options[0].value;
            layer.dispatchEvent(new view.Event("change"));
            seen.changed = map.querySelector("image").getAttribute("href") !== before;
            seen.means = all("table.means td")[0].textContent;
            const picture = new view.Image();
            picture.onload = () => { seen.picture = picture.naturalWidth; };
            picture.src = map.querySelector("image").getAttribute("href");
          }
          const numbers = color => color.match(/[\d.]+/g).map(Number);
          const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const behind = e => { for (; e; e = e.parentElement) { const c = numbers(view.getComputedStyle(e).backgroundColor); if (c.length === 3) { return c; } } };
          const contrasts = all("h1, h2, h3, p, li, th, td, summary, select, svg text").filter(e => e.textContent.trim()).map(e => {
            const style = view.getComputedStyle(e);
            const [a, b] = [luminance(numbers(e.closest("svg") ? style.fill : style.color)), luminance(behind(e))].sort((x, y) => y - x);
            return (a + 0.05) / (b + 0.05);
          });
          seen.contrast = Math.min(...contrasts);
          seen.background = luminance(behind(page.body));
          setTimeout(() => {
            if (map) {
              const box = map.querySelector("image").getBoundingClientRect();
              map.dispatchEvent(new view.PointerEvent("pointermove", { clientX: box.left + 0.5 * box.width / seen.cells, clientY: box.top + 1.5 * box.height / seen.cells, bubbles: true }));
              seen.cell = page.getElementById("tip").textContent;
            }
            document.querySelector("pre").textContent = JSON.stringify(seen);
          }, 500);
        }, 500);
        </script>
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_page_of_a_table_works_on_a_phone(bool dark)
    {
        Pages.WriteTable(_folder);
        var seen = Look(dark);
        Usable(seen, dark);
        Assert.Equal([50, 50, 50], seen.GetProperty("figures").EnumerateArray().Select(f => f.GetInt32()));
        Assert.Matches("^row [0-9]+\ncluster [0-2]\n", seen.GetProperty("tip").GetString());
        Assert.NotEqual(seen.GetProperty("tip").GetString(), seen.GetProperty("second").GetString());
        Assert.Equal(3, seen.GetProperty("hot").GetInt32());
        Assert.Equal((50, 50, 6), (seen.GetProperty("cells").GetInt32(), seen.GetProperty("picture").GetInt32(), seen.GetProperty("layers").GetInt32()));
        Assert.True(seen.GetProperty("changed").GetBoolean());
        Assert.Matches("^[0-9]+\\.[0-9]{2}$", seen.GetProperty("means").GetString());
        Assert.Matches("^row [0-9]+ \\(cluster 0\\)\nrow 1 \\(cluster 0\\)\naffinity (about|at least) [0-9.e-]+$", seen.GetProperty("cell").GetString());
    }

    [SkippableFact]
    public void The_page_of_hostile_texts_runs_nothing_of_theirs()
    {
        Pages.WriteTexts(_folder);
        var seen = Look();
        Usable(seen, dark: false);
        Assert.Equal([Pages.Hostile.Length, Pages.Hostile.Length], seen.GetProperty("figures").EnumerateArray().Select(f => f.GetInt32()));
    }

    [SkippableTheory]
    [InlineData(null)]
    [InlineData("table1")]
    [InlineData("table4")]
    public void The_page_of_an_evaluation_works_on_a_phone(string? paper)
    {
        Pages.WriteEvaluation(_folder, paper);
        Usable(Look(), dark: false);
    }

    [SkippableFact]
    public void A_picture_can_be_taken_of_it()
    {
        var picture = Chromium.Screenshot(Pages.WriteTable(_folder), 390, 844);
        Assert.Equal((390, 844), (BinaryPrimitives.ReadInt32BigEndian(picture.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(picture.AsSpan(20))));
        // An empty page of this size packs into some 2 kB.
        Assert.True(picture.Length > 15_000, $"{picture.Length} bytes");
    }

    private static void Usable(JsonElement seen, bool dark)
    {
        Assert.Empty(seen.GetProperty("violations").EnumerateArray());
        Assert.Equal(JsonValueKind.Null, seen.GetProperty("hacked").ValueKind);
        Assert.Equal(1, seen.GetProperty("scripts").GetInt32());
        Assert.Equal((390, 0), (seen.GetProperty("width").GetInt32(), seen.GetProperty("outside").GetInt32()));
        Assert.Equal(0, seen.GetProperty("undrawn").GetInt32());
        Assert.True(seen.GetProperty("drawn").GetInt32() > 0);
        Assert.Equal(0, seen.GetProperty("astray").GetInt32());
        // WCAG 2.2, 1.4.3: text.
        Assert.InRange(seen.GetProperty("contrast").GetDouble(), 4.5, 21);
        Assert.InRange(seen.GetProperty("background").GetDouble(), dark ? 0 : 0.8, dark ? 0.1 : 1);
    }

    private JsonElement Look(bool dark = false)
    {
        var dom = Chromium.Dom(_folder.Write("wrapper.html", Wrapper), dark);
        var found = Seen().Match(dom);
        Assert.True(found.Success && found.Groups[1].Length > 0, dom);
        return JsonDocument.Parse(WebUtility.HtmlDecode(found.Groups[1].Value)).RootElement;
    }

    [GeneratedRegex("<pre>(.*?)</pre>", RegexOptions.Singleline)]
    private static partial Regex Seen();
}
