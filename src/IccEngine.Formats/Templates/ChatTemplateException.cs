using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>The template itself refused the messages: it called <c>raise_exception</c>.</summary>
public sealed class ChatTemplateException : IccException
{
    /// <summary>Creates the error.</summary>
    /// <param name="template">Name of the template.</param>
    /// <param name="line">Line of the call, from 1.</param>
    /// <param name="templateMessage">What the template said.</param>
    public ChatTemplateException(string template, int line, string templateMessage)
        : base($"{template}: line {line}: the template refuses these messages: {templateMessage.ReplaceLineEndings(" ")}") =>
        TemplateMessage = templateMessage;

    /// <summary>The text that the template gave to <c>raise_exception</c>, unchanged.</summary>
    public string TemplateMessage { get; }
}
