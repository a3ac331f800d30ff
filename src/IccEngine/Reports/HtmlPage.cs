using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using IccEngine.Core;
using static IccEngine.Html;

namespace IccEngine;

/// <summary>
/// A page of one file: its style and its script stand in it, and its policy lets it load nothing and run nothing else. Without the script it
/// shows the same, but for the values under the pointer and the choice of layer and head.
/// </summary>
internal sealed class HtmlPage(string title, string subtitle)
{
    private readonly List<object> _sections = [];
    private readonly List<string> _notes = [];

    /// <summary>Adds a section; null is left out.</summary>
    public void Add(XElement? section)
    {
        if (section is not null)
        {
            _sections.Add(section);
        }
    }

    /// <summary>Adds what the reader should know.</summary>
    public void Note(string text) => _notes.Add(text);

    /// <summary>Writes the page, whole or not at all.</summary>
    /// <exception cref="IccFormatException">The file cannot be written.</exception>
    public void Write(string path)
    {
        var page = Build();
        AtomicFile.Write(path, stream =>
        {
            using var writer = XmlWriter.Create(stream, new XmlWriterSettings { OmitXmlDeclaration = true, Encoding = new UTF8Encoding(false), NewLineChars = "\n" });
            page.Save(writer);
        });
    }

    private XDocument Build()
    {
        var (script, style) = (Resource("report.js"), Resource("report.css"));
        // Comments of each language hide the marks that keep it from being read as markup by a reader of XML.
        var (scriptText, styleText) = ($"//<![CDATA[\n{script}//]]>", $"/*<![CDATA[*/\n{style}/*]]>*/");
        var policy = $"default-src 'none'; img-src data:; script-src '{Hash(scriptText)}'; style-src '{Hash(styleText)}'; base-uri 'none'; form-action 'none'";
        return new XDocument(
            new XDocumentType("html", null, null, null),
            Of("html", null, At("lang", "en"),
                Of("head", null,
                    Of("meta", null, At("charset", "utf-8")),
                    Of("meta", null, At("name", "viewport"), At("content", "width=device-width, initial-scale=1")),
                    Of("meta", null, At("http-equiv", "Content-Security-Policy"), At("content", policy)),
                    Of("meta", null, At("name", "color-scheme"), At("content", "light dark")),
                    Of("title", null, Short(title, 100)),
                    new XElement("style", "/*", new XCData($"*/\n{style}/*"), "*/")),
                Of("body", null,
                    Of("header", null, Of("h1", null, Foreign(title, 300)), Of("p", null, Foreign(subtitle, 1000))),
                    Of("main", null, [.. _sections, Notes()]),
                    Marks.Definitions(),
                    new XElement("script", "//", new XCData($"\n{script}//")))));
    }

    private XElement? Notes() => _notes.Count == 0
        ? null
        : Section("Notes", Of("ul", null, [.. _notes.Distinct().Select(n => Of("li", null, Foreign(n, 1000)))]));

    private static string Hash(string text) => $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";

    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"the program was built without its resource {name}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
